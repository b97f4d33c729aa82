import { intsAttribute, isOp } from '../ir/graph.js';
import type { Node } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';
import { factor, finish } from './finish.js';
import { reach } from './linear.js';
import type { Bound, Evaluate, Operand, Unit } from './types.js';
import { windowCounts, windowsOf } from './windows.js';

const ones = (n: number) => ({ codes: new Uint8Array(n).fill(1), zeroPoints: new Int32Array(1) });
const kernelOf = (node: Node): number[] => intsAttribute(node, 'kernel_shape') ?? [];

export const fitsAverage = (node: Node): boolean =>
  isOp(node, 'GlobalAveragePool') || [1, 2].includes(kernelOf(node).length);

/** A convolution of each channel with ones, divided by the values under each window. */
export const averagePool: Evaluate = (kernels, unit, [x]) => {
  const kernel = kernelOf(unit.node);
  const windows = windowsOf(unit.node, x.dims, kernel)!;
  const [batch, channels] = x.dims;
  const geometry = { batch, channels, filters: channels, groups: channels, ...windows };
  const sums = kernels.conv(factor(x), ones(channels * elementCount(kernel)), geometry);
  const counts = windowCounts(unit.node, windows);
  const out = x.dims.length === 3 ? windows.out.slice(1) : windows.out;
  const shape = { outer: batch * channels, channels: counts.length, inner: 1 };
  const steps = counts.map((count) => x.grid.scales[0] / count);
  return finish(kernels, unit.grid, sums, [batch, channels, ...out], shape, steps);
};

/** A product of each channel with ones. */
export const globalAverage: Evaluate = (kernels, unit, [x]) => {
  const rows = x.dims[0] * x.dims[1];
  const depth = elementCount(x.dims.slice(2));
  const along = { at: 0, row: depth, depth: 1 };
  const geometry = { rows, columns: 1, depth, a: along, b: { at: 0, column: depth, depth: 1 } };
  const sums = kernels.product(factor(x), ones(depth), geometry);
  const dims = x.dims.map((d, axis) => (axis < 2 ? d : 1));
  const shape = { outer: 1, channels: 1, inner: rows };
  return finish(kernels, unit.grid, sums, dims, shape, x.grid.scales[0] / depth);
};

/** Values that one output averages. */
export const averaged = (unit: Unit, [x]: readonly Operand[]): number =>
  elementCount(isOp(unit.node, 'AveragePool') ? kernelOf(unit.node) : x.dims.slice(2));

export const averageBound: Bound = (_, unit, operands) => averaged(unit, operands) * reach(operands[0].grid);
