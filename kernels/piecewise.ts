import { type BlockShape, type ChannelParams, checkBlocks, type Piece, pieces } from './blocks.js';
import { type KernelArray, type KernelMemory, PIECE, SCRATCH } from './memory.js';

/** Values of one call on arrays that need no copies: short calls keep the processor from fetching memory ahead. */
const PIECE_INSIDE = 64 * PIECE;

/** What `minMax` and `observe` find. `min` is +Infinity and `max` −Infinity when nothing is finite. */
export interface Extremes {
  min: number;
  max: number;
  /** Finite values. */
  count: number;
  nan: number;
  inf: number;
}

/** Runs `kernel` with the address and length of one piece of `values` after the other. */
export function eachPiece(
  memory: KernelMemory,
  values: Float32Array,
  kernel: (at: number, n: number) => void,
): void {
  const most = memory.holds(values) ? PIECE_INSIDE : PIECE;
  for (let at = 0; at < values.length; at += most) {
    const n = Math.min(most, values.length - at);
    kernel(memory.place(values, at, n, SCRATCH.first), n);
  }
}

/** The same, gathering the extremes that the kernel leaves in the result area. */
export function gatherExtremes(
  memory: KernelMemory,
  values: Float32Array,
  kernel: (at: number, n: number) => void,
): Extremes {
  const found: Extremes = { min: Infinity, max: -Infinity, count: values.length, nan: 0, inf: 0 };
  const floats = new Float32Array(memory.buffer, SCRATCH.result, 2);
  const counts = new Uint32Array(memory.buffer, SCRATCH.result + 8, 2);
  eachPiece(memory, values, (at, n) => {
    kernel(at, n);
    found.min = Math.min(found.min, floats[0]);
    found.max = Math.max(found.max, floats[1]);
    found.nan += counts[0];
    found.inf += counts[1];
  });
  found.count -= found.nan + found.inf;
  // −0 becomes +0, so that the extremes do not depend on the order in which parts are merged.
  found.min += 0;
  found.max += 0;
  return found;
}

/** A kernel over one piece: addresses of its input and output, its shape, addresses of its scales and zero points. */
export type BlockKernel = (from: number, to: number, ...rest: number[]) => void;

interface BlockCall {
  kernel: BlockKernel;
  /** Channels that the kernel takes at once. */
  channels: number;
  /** Called before each piece. */
  prepare?: (piece: Piece) => void;
}

/**
 * Runs a kernel over a block shape piece by piece.
 * @throws RangeError when arrays, shape and parameters do not belong together
 */
export function eachBlock(
  memory: KernelMemory,
  from: KernelArray,
  to: KernelArray,
  shape: BlockShape,
  params: ChannelParams,
  { kernel, channels: most, prepare }: BlockCall,
): void {
  checkBlocks(from.length, shape, params);
  if (to.length !== from.length) throw new RangeError(`room for ${to.length} of ${from.length} values`);
  const inside = memory.holds(from) && memory.holds(to);
  for (const piece of pieces(shape, inside ? PIECE_INSIDE : PIECE, most)) {
    const { outer, channels, inner, at, channel } = piece;
    const n = outer * channels * inner;
    prepare?.(piece);
    const scales = memory.place(params.scales, channel, channels, SCRATCH.third);
    const zeroPoints = memory.place(params.zeroPoints, channel, channels, SCRATCH.fourth);
    const source = memory.place(from, at, n, SCRATCH.first);
    kernel(source, memory.target(to, at, SCRATCH.second), outer, channels, inner, scales, zeroPoints);
    memory.collect(to, at, n, SCRATCH.second);
  }
}
