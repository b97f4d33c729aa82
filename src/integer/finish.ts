import { type BlockShape, blockShape, blockSize } from '../../kernels/blocks.js';
import type { ByteCodes, Factor, IntegerKernels } from '../../kernels/integer.js';
import { elementCount } from '../ir/tensor.js';
import type { Operand, Outcome, OutputGrid } from './types.js';

/** How the codes of an operand share scales and zero points. */
export const shapeOf = ({ dims, grid }: Pick<Operand, 'dims' | 'grid'>): BlockShape =>
  blockShape(dims, grid.axis);

export const factor = ({ codes, grid }: Operand): Factor => ({ codes, zeroPoints: grid.zeroPoints });

/**
 * Accumulators → codes on the output grid, or floats without one. `steps`: what one step of the accumulator is worth,
 * one value or one a channel of `shape`.
 */
export function finish(
  kernels: IntegerKernels,
  grid: OutputGrid | undefined,
  sums: Int32Array,
  dims: number[],
  shape: BlockShape,
  steps: number | Float64Array,
): Outcome {
  const own = typeof steps === 'number' ? { outer: 1, channels: 1, inner: blockSize(shape) } : shape;
  const worth = typeof steps === 'number' ? Float64Array.of(steps) : steps;
  const unit = grid ? grid.scales[0] : 1;
  const multipliers = worth.map((step) => step / unit);
  const values = grid
    ? kernels.requantize(sums, own, multipliers, codeGrid(grid))
    : kernels.scale(sums, own, multipliers);
  const step = (i: number) => multipliers[Math.floor(i / own.inner) % own.channels];
  return { dims, values, exact: (i) => sums[i] * step(i), step, sums };
}

export const codeGrid = ({ format, zeroPoints, low, high }: OutputGrid) => ({
  signed: format.signed,
  zeroPoint: zeroPoints[0],
  low,
  high,
});

/** `codes` of an array of `dims`, repeated as ONNX broadcasts them to `target`. */
export function broadcast(codes: ByteCodes, dims: readonly number[], target: readonly number[]): ByteCodes {
  const full = [...new Array<number>(target.length - dims.length).fill(1), ...dims];
  let values = codes;
  // From the last axis outwards: each step repeats whole runs.
  for (let axis = target.length - 1; axis >= 0; axis--) {
    if (full[axis] === target[axis]) continue;
    const run = elementCount(target.slice(axis + 1));
    const out = new (values.constructor as new (n: number) => ByteCodes)(values.length * target[axis]);
    for (let from = 0, to = 0; from < values.length; from += run)
      for (let repeat = 0; repeat < target[axis]; repeat++, to += run)
        out.set(values.subarray(from, from + run), to);
    values = out;
  }
  return values;
}

/** The shape that two arrays broadcast to. */
export function broadcastDims(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const at = (dims: readonly number[], i: number) => dims[i - (rank - dims.length)] ?? 1;
  return Array.from({ length: rank }, (_, i) => (at(a, i) === 1 ? at(b, i) : at(a, i)));
}
