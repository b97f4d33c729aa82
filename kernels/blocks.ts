/**
 * How values share quantization parameters: [outer, channels, inner] = [Π dims before the axis, dims[axis], Π dims
 * after it]. Without `block` there is one scale a channel, that of element i being floor(i / inner) mod channels; per
 * tensor is [1, 1, n]. With it `block` consecutive channels share a scale and nothing else does: the scales are
 * [outer, ⌈channels / block⌉, inner], the blocked form of ONNX.
 */
export interface BlockShape {
  outer: number;
  channels: number;
  inner: number;
  block?: number;
}

/** What the codes of scale group i mean, `scaleCount` groups. `scales` are float32, the arithmetic of ONNX. */
export interface ChannelParams {
  scales: Float32Array;
  /** 0 for all but integers. */
  zeroPoints: Int32Array;
  /** Look-up tables of the values of each group, ascending, 2^bits a group; their scales are 1. */
  tables?: Float32Array;
  /** Scales that are themselves stored in a narrow format: scales[i] = fround(value(codes[i]) · tensorScale). */
  coded?: CodedScales;
}

export interface CodedScales {
  format: 'e8m0' | 'fp8';
  codes: Uint8Array;
  tensorScale: number;
}

const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** `axis` counted from the front. Throws RangeError when it is not one of the tensor's. */
function axisOf(dims: readonly number[], axis: number): number {
  const a = axis < 0 ? axis + dims.length : axis;
  if (Number.isInteger(axis) && a >= 0 && a < dims.length) return a;
  throw new RangeError(`axis ${axis} of a tensor of rank ${dims.length}`);
}

/**
 * The block shape of a tensor of `dims`: per tensor without `axis` (negative counts from the end), per channel with it,
 * and `block` values along it with both.
 * @throws RangeError when the axis is not one of the tensor's or the block is no positive whole number
 */
export function blockShape(dims: readonly number[], axis?: number, block?: number): BlockShape {
  if (axis === undefined) return { outer: 1, channels: 1, inner: product(dims) };
  const a = axisOf(dims, axis);
  const shape = { outer: product(dims.slice(0, a)), channels: dims[a], inner: product(dims.slice(a + 1)) };
  if (block === undefined) return shape;
  if (!Number.isInteger(block) || block < 1) throw new RangeError(`blocks of ${block} values`);
  return { ...shape, block };
}

/** Values of a block shape. */
export const blockSize = (shape: BlockShape): number => shape.outer * shape.channels * shape.inner;

const blocksAlong = (channels: number, block: number): number => Math.ceil(channels / block);

/** Groups of values that share a scale. */
export const scaleCount = ({ outer, channels, inner, block }: BlockShape): number =>
  block === undefined ? channels : outer * blocksAlong(channels, block) * inner;

/** The scale group of element `at`. */
export function scaleIndex({ channels, inner, block }: BlockShape, at: number): number {
  const channel = Math.floor(at / inner) % channels;
  if (block === undefined) return channel;
  const row = Math.floor(at / (channels * inner));
  return (row * blocksAlong(channels, block) + Math.floor(channel / block)) * inner + (at % inner);
}

/** Dims of the scale tensor that ONNX wants: [] per tensor, [C] per channel, ⌈D / block⌉ along the axis for blocks. */
export function scaleDims(dims: readonly number[], axis?: number, block?: number): number[] {
  if (axis === undefined) return [];
  const a = axisOf(dims, axis);
  if (block === undefined) return [dims[a]];
  return dims.map((d, i) => (i === a ? blocksAlong(d, block) : d));
}

/** @throws RangeError when values, shape and parameters do not belong together */
export function checkBlocks(length: number, shape: BlockShape, params: ChannelParams): void {
  if (blockSize(shape) !== length) {
    throw new RangeError(`${length} values for blocks of ${shape.outer}×${shape.channels}×${shape.inner}`);
  }
  const count = scaleCount(shape);
  if (params.scales.length !== count || params.zeroPoints.length !== count) {
    throw new RangeError(
      `${params.scales.length} scales and ${params.zeroPoints.length} zero points for ${count} channels`,
    );
  }
}

/** A contiguous part of a block shape: a shape without blocks, where it starts, and its first scale. */
export interface Piece {
  outer: number;
  channels: number;
  inner: number;
  at: number;
  channel: number;
}

/** Calls `visit` for every run of elements that share a group. */
export function eachRun(shape: BlockShape, visit: (group: number, start: number, end: number) => void): void {
  for (const { outer, channels, inner, at, channel } of pieces(shape)) {
    for (let run = 0; run < outer * channels; run++) {
      visit(channel + (run % channels), at + run * inner, at + (run + 1) * inner);
    }
  }
}

/** What one piece may hold. */
interface Limits {
  values: number;
  channels: number;
}

/**
 * Cuts a block shape into consecutive pieces of at most `values` values and `channels` scales, as large as the structure
 * allows. Blocks are channels of their own where the axis is the last one, else rows of channels: kernels know channels only.
 */
export function* pieces(
  shape: BlockShape,
  values = Number.POSITIVE_INFINITY,
  most = Number.POSITIVE_INFINITY,
): Generator<Piece> {
  const { outer, channels, inner, block } = shape;
  const limits = { values, channels: most };
  if (block === undefined) yield* plainPieces(shape, limits, 0, 0);
  else if (inner === 1 && channels % block === 0) {
    const groups = (outer * channels) / block;
    yield* plainPieces({ outer: 1, channels: groups, inner: block }, limits, 0, 0);
  } else yield* blockPieces(shape, block, limits);
}

function* blockPieces(
  { outer, channels, inner }: BlockShape,
  block: number,
  limits: Limits,
): Generator<Piece> {
  let [at, channel] = [0, 0];
  for (let o = 0; o < outer; o++) {
    for (let first = 0; first < channels; first += block) {
      const rows = Math.min(block, channels - first);
      const part =
        inner === 1 ? { outer: 1, channels: 1, inner: rows } : { outer: rows, channels: inner, inner: 1 };
      yield* plainPieces(part, limits, at, channel);
      at += rows * inner;
      channel += inner;
    }
  }
}

function* plainPieces(shape: BlockShape, limits: Limits, start: number, first: number): Generator<Piece> {
  const { outer, channels, inner } = shape;
  const row = channels * inner;
  if (row === 0) return;
  if (row <= limits.values && channels <= limits.channels) {
    const rows = Math.min(outer, Math.floor(limits.values / row));
    for (let o = 0; o < outer; o += rows) {
      yield { outer: Math.min(rows, outer - o), channels, inner, at: start + o * row, channel: first };
    }
    return;
  }
  for (let o = 0; o < outer; o++) yield* rowPieces(channels, inner, limits, start + o * row, first);
}

function* rowPieces(
  channels: number,
  inner: number,
  limits: Limits,
  start: number,
  first: number,
): Generator<Piece> {
  const group = Math.max(1, Math.min(limits.channels, Math.floor(limits.values / inner)));
  for (let c = 0; c < channels; c += group) {
    const at = start + c * inner;
    const channel = first + c;
    if (inner <= limits.values) {
      yield { outer: 1, channels: Math.min(group, channels - c), inner, at, channel };
      continue;
    }
    for (let i = 0; i < inner; i += limits.values) {
      yield { outer: 1, channels: 1, inner: Math.min(limits.values, inner - i), at: at + i, channel };
    }
  }
}
