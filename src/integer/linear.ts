import type { BlockShape } from '../../kernels/blocks.js';
import type { IntegerKernels, ProductGeometry } from '../../kernels/integer.js';
import { floatAttribute, intAttribute, isOp } from '../ir/graph.js';
import type { Node } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';
import { broadcast, broadcastDims, factor, finish, shapeOf } from './finish.js';
import type { Bias, Bound, Evaluate, Grid, Operand, OperandRef, Outcome, Unit } from './types.js';
import { windowsOf } from './windows.js';

/** Steps of the accumulator: the product of both scales, in float64 exact. */
export const accumulatorSteps = (x: Grid, w: Grid): Float64Array => {
  const [many, one] = x.scales.length > 1 ? [x, w] : [w, x];
  return Float64Array.from(many.scales, (scale) => scale * one.scales[0]);
};

const isPerTensor = (grid: Grid): boolean => grid.scales.length === 1;
const isAlong = (grid: Grid, dims: readonly number[], axis: number): boolean =>
  isPerTensor(grid) || ((grid.axis ?? 0) + dims.length) % dims.length === axis;

/** Conv: the input on one grid, the weight on one or one a filter; 1-D and 2-D. */
export const fitsConv = (_: Node, [x, w]: readonly OperandRef[]): boolean =>
  isPerTensor(x.grid) &&
  w.constant !== undefined &&
  (w.constant.dims.length === 3 || w.constant.dims.length === 4) &&
  isAlong(w.grid, w.constant.dims, 0);

export const conv: Evaluate = (kernels, unit, [x, w], bias) => {
  const windows = windowsOf(unit.node, x.dims, w.dims.slice(2))!;
  const [batch, channels] = x.dims;
  const filters = w.dims[0];
  const groups = intAttribute(unit.node, 'group', 1);
  const sums = kernels.conv(factor(x), factor(w), { batch, channels, filters, groups, ...windows }, bias);
  const out = x.dims.length === 3 ? windows.out.slice(1) : windows.out;
  const shape = { outer: batch, channels: filters, inner: windows.out[0] * windows.out[1] };
  return settle(kernels, unit, [x, w], sums, [batch, filters, ...out], shape);
};

/** Products: at most one operand has a scale for each row or column, the other one of its own. */
export function fitsProduct(node: Node, [a, b]: readonly OperandRef[]): boolean {
  const plain = floatAttribute(node, 'alpha', 1) === 1 && floatAttribute(node, 'beta', 1) === 1;
  if (!plain || (!isPerTensor(a.grid) && !isPerTensor(b.grid))) return false;
  const along = (side: typeof a, axis: (rank: number) => number): boolean =>
    isPerTensor(side.grid) ||
    (side.constant !== undefined && isAlong(side.grid, side.constant.dims, axis(side.constant.dims.length)));
  const gemm = isOp(node, 'Gemm');
  const transposed = (name: string) => gemm && intAttribute(node, name, 0) === 1;
  return (
    along(a, (rank) => rank - (transposed('transA') ? 1 : 2)) &&
    along(b, (rank) => rank - (transposed('transB') ? 2 : 1)) &&
    [a, b].every((side) => side.constant === undefined || side.constant.dims.length >= 2)
  );
}

/** Gemm and MatMul: the last two axes multiply, the others are a batch that either operand may lack. */
export const product: Evaluate = (kernels, unit, [a, b], bias) => {
  const geometry = productGeometry(unit.node, a, b);
  const { rows, columns } = geometry;
  const lead = broadcastDims(a.dims.slice(0, -2), b.dims.slice(0, -2));
  const batch = elementCount(lead);
  const [left, right] = [batched(a, lead), batched(b, lead)];
  const sums = new Int32Array(batch * rows * columns);
  for (let n = 0; n < batch; n++)
    sums.set(kernels.product(slice(left, n), slice(right, n), geometry, bias), n * rows * columns);
  const shape = isPerTensor(a.grid)
    ? { outer: batch * rows, channels: columns, inner: 1 }
    : { outer: batch, channels: rows, inner: columns };
  return settle(kernels, unit, [a, b], sums, [...lead, rows, columns], shape);
};

/** With as many matrices as the batch has, or a single one. */
function batched(operand: Operand, lead: number[]): Operand {
  const own = elementCount(operand.dims.slice(0, -2));
  if (own === 1 || own === elementCount(lead)) return operand;
  const dims = [...lead, ...operand.dims.slice(-2)];
  return { ...operand, dims, codes: broadcast(operand.codes, operand.dims, dims) };
}

/** Matrix n of a batch, or the only one. */
function slice({ dims, codes, grid }: Operand, n: number) {
  const size = elementCount(dims.slice(-2));
  const from = codes.length === size ? 0 : n * size;
  return { codes: codes.subarray(from, from + size), zeroPoints: grid.zeroPoints };
}

function productGeometry(node: Node, a: Operand, b: Operand): ProductGeometry {
  const gemm = isOp(node, 'Gemm');
  const [transA, transB] = ['transA', 'transB'].map((name) => gemm && intAttribute(node, name, 0) === 1);
  const [ah, aw] = a.dims.slice(-2);
  const [bh, bw] = b.dims.slice(-2);
  return {
    rows: transA ? aw : ah,
    columns: transB ? bh : bw,
    depth: transA ? ah : aw,
    a: transA ? { at: 0, row: 1, depth: aw } : { at: 0, row: aw, depth: 1 },
    b: transB ? { at: 0, column: bw, depth: 1 } : { at: 0, column: 1, depth: bw },
  };
}

/** Accumulators → the layer's output, by one multiplier a channel. */
function settle(
  kernels: IntegerKernels,
  unit: Unit,
  [x, w]: Operand[],
  sums: Int32Array,
  dims: number[],
  shape: BlockShape,
): Outcome {
  const steps = accumulatorSteps(x.grid, w.grid);
  return finish(kernels, unit.grid, sums, dims, shape, steps.length === 1 ? steps[0] : steps);
}

/** The largest |x − zx| that codes on a grid allow. */
export const reach = ({ format, zeroPoints }: Grid): number =>
  zeroPoints.reduce((far, z) => Math.max(far, format.qmax - z, z - format.qmin), 0);

/** Conv: the largest Σ|w − zw|·max|x − zx| + |bias| over the filters. */
export const convBound: Bound = (kernels, unit, [x, w]) => {
  const depth = elementCount(w.dims.slice(1));
  const rows = { at: 0, column: depth, depth: 1 };
  return largest(sumsOfMagnitudes(kernels, w, w.dims[0], depth, rows), reach(x.grid), unit.bias);
};

/** Gemm and MatMul: the same over the columns or rows of the constant; depth · max|a − za| · max|b − zb| without one. */
export const productBound: Bound = (kernels, unit, [a, b]) => {
  const { rows, columns, depth, a: left, b: right } = productGeometry(unit.node, a, b);
  const [constA, constB] = unit.operands.map((ref) => ref.constant !== undefined);
  if (constB) return largest(sumsOfMagnitudes(kernels, b, columns, depth, right), reach(a.grid), unit.bias);
  if (!constA) return depth * reach(a.grid) * reach(b.grid);
  const along = { at: left.at, column: left.row, depth: left.depth };
  return largest(sumsOfMagnitudes(kernels, a, rows, depth, along), reach(b.grid), undefined);
};

/** Σ|w − zw| of each row of a constant, of each matrix of it in turn: a product with ones. */
function sumsOfMagnitudes(
  kernels: IntegerKernels,
  w: Operand,
  rows: number,
  depth: number,
  along: ProductGeometry['b'],
): Int32Array {
  const codes = kernels.magnitudes(factor(w), shapeOf(w));
  const [ones, zero] = [new Uint8Array(depth).fill(1), new Int32Array(1)];
  const size = rows * depth;
  const sums = new Int32Array(codes.length / depth);
  for (let n = 0; n * size < codes.length; n++) {
    const matrix = { codes: codes.subarray(n * size, (n + 1) * size), zeroPoints: zero };
    const geometry = { rows: 1, columns: rows, depth, a: { at: 0, row: depth, depth: 1 }, b: along };
    sums.set(kernels.product({ codes: ones, zeroPoints: zero }, matrix, geometry), n * rows);
  }
  return sums;
}

const largest = (sums: Int32Array, times: number, bias: Bias | undefined): number =>
  sums.reduce((widest, sum, i) => Math.max(widest, sum * times + Math.abs(bias?.codes[i] ?? 0)), 0);
