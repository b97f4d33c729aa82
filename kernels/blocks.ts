/**
 * How values share quantization parameters: [outer, channels, inner], channel c of element i being
 * floor(i / inner) mod channels. Per tensor: [1, 1, n]. Per channel on axis a: [Π dims before a, dims[a], Π dims after].
 */
export interface BlockShape {
  outer: number;
  channels: number;
  inner: number;
}

/** One scale and zero point a channel. `scales` are float32, the arithmetic of ONNX. */
export interface ChannelParams {
  scales: Float32Array;
  zeroPoints: Int32Array;
}

const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/**
 * The block shape of a tensor of `dims`, per tensor without `axis` (negative counts from the end).
 * @throws RangeError when the axis is not one of the tensor's
 */
export function blockShape(dims: readonly number[], axis?: number): BlockShape {
  if (axis === undefined) return { outer: 1, channels: 1, inner: product(dims) };
  const a = axis < 0 ? axis + dims.length : axis;
  if (!Number.isInteger(axis) || a < 0 || a >= dims.length) {
    throw new RangeError(`axis ${axis} of a tensor of rank ${dims.length}`);
  }
  return { outer: product(dims.slice(0, a)), channels: dims[a], inner: product(dims.slice(a + 1)) };
}

export const blockSize = (shape: BlockShape): number => shape.outer * shape.channels * shape.inner;

/** @throws RangeError when values, shape and parameters do not belong together */
export function checkBlocks(length: number, shape: BlockShape, params: ChannelParams): void {
  if (blockSize(shape) !== length) {
    throw new RangeError(`${length} values for blocks of ${shape.outer}×${shape.channels}×${shape.inner}`);
  }
  if (params.scales.length !== shape.channels || params.zeroPoints.length !== shape.channels) {
    throw new RangeError(
      `${params.scales.length} scales and ${params.zeroPoints.length} zero points for ${shape.channels} channels`,
    );
  }
}

/** A contiguous part of a block shape: its own shape, where it starts, and its first channel. */
export interface Piece extends BlockShape {
  at: number;
  channel: number;
}

/** Cuts a block shape into consecutive pieces of at most `limit` values, as large as the structure allows. */
export function* pieces(shape: BlockShape, limit: number): Generator<Piece> {
  const { outer, channels, inner } = shape;
  const row = channels * inner;
  if (row === 0) return;
  if (row <= limit) {
    const rows = Math.floor(limit / row);
    for (let o = 0; o < outer; o += rows) {
      yield { outer: Math.min(rows, outer - o), channels, inner, at: o * row, channel: 0 };
    }
    return;
  }
  for (let o = 0; o < outer; o++) yield* rowPieces(channels, inner, o * row, limit);
}

function* rowPieces(channels: number, inner: number, start: number, limit: number): Generator<Piece> {
  const group = Math.max(1, Math.floor(limit / inner));
  for (let c = 0; c < channels; c += group) {
    const at = start + c * inner;
    if (inner <= limit) {
      yield { outer: 1, channels: Math.min(group, channels - c), inner, at, channel: c };
      continue;
    }
    for (let i = 0; i < inner; i += limit) {
      yield { outer: 1, channels: 1, inner: Math.min(limit, inner - i), at: at + i, channel: c };
    }
  }
}
