import type { Factor, IntegerKernels } from '../../kernels/integer.js';
import { elementCount } from '../ir/tensor.js';
import { broadcast, broadcastDims, codeGrid, factor, finish } from './finish.js';
import { reach } from './linear.js';
import type { Bound, Evaluate, Operand } from './types.js';

/** Both operands in the shape of the output. */
function aligned([a, b]: Operand[]): { dims: number[]; a: Factor; b: Factor } {
  const dims = broadcastDims(a.dims, b.dims);
  const full = (o: Operand) => ({ ...factor(o), codes: broadcast(o.codes, o.dims, dims) });
  return { dims, a: full(a), b: full(b) };
}

/** Each operand brought to steps of the output before one rounding. There is no accumulator in between. */
export const add: Evaluate = (kernels, unit, operands) => {
  const { dims, a, b } = aligned(operands);
  const grid = unit.grid!;
  const left = { ...a, multiplier: operands[0].grid.scales[0] / grid.scales[0] };
  const right = { ...b, multiplier: operands[1].grid.scales[0] / grid.scales[0] };
  const steps = ({ codes, zeroPoints, multiplier }: typeof left, i: number) =>
    (codes[i] - zeroPoints[0]) * multiplier;
  const values = kernels.add(left, right, codeGrid(grid));
  return { dims, values, exact: (i) => steps(left, i) + steps(right, i), step: () => 0 };
};

export const multiply: Evaluate = (kernels, unit, operands) => {
  const { dims, a, b } = aligned(operands);
  return wholeTensor(kernels, unit.grid, kernels.multiply(a, b), dims, operands);
};

export const multiplyBound: Bound = (_, __, [a, b]) => reach(a.grid) * reach(b.grid);

/** Relu and Clip of codes: the output grid's own bounds clamp. */
export const clamp: Evaluate = (kernels, unit, [x]) =>
  wholeTensor(kernels, unit.grid, centred(kernels, x), x.dims, [x]);

/** code − zero point: the products with 1. */
export const centred = (kernels: IntegerKernels, x: Operand): Int32Array =>
  kernels.multiply(factor(x), {
    codes: new Uint8Array(x.codes.length).fill(1),
    zeroPoints: new Int32Array(1),
  });

const wholeTensor = (
  kernels: IntegerKernels,
  grid: Parameters<typeof finish>[1],
  sums: Int32Array,
  dims: number[],
  operands: Operand[],
) => {
  const steps = operands.reduce((product, { grid: own }) => product * own.scales[0], 1);
  return finish(kernels, grid, sums, dims, { outer: 1, channels: 1, inner: elementCount(dims) }, steps);
};
