import { intAttribute } from '../../../ir/graph.js';
import { elementCount } from '../../../ir/tensor.js';
import { axesOf } from '../../lowering/shapes.js';
import { axisOf, type Context } from '../context.js';
import type { Value } from '../program.js';
import { reduceWindow } from './pool.js';
import type { Family, Lower } from './types.js';

type Reduce = (x: Value, axes: number[], keep: boolean, c: Context) => Value;

const reduction =
  (make: Reduce): Lower =>
  (node, c) => {
    const x = c.input(0);
    const axes = axesOf(node, c, x.dims.length);
    return axes.length === 0 ? x : make(x, axes, intAttribute(node, 'keepdims', 1) === 1, c);
  };

const sum: Reduce = (x, axes, keep, c) => c.reduce('add', x, axes, keep);
const mean: Reduce = (x, axes, keep, c) =>
  c.divide(sum(x, axes, keep, c), c.like(x, elementCount(axes.map((a) => x.dims[a]))));
const sumSquare: Reduce = (x, axes, keep, c) => sum(c.multiply(x, x), axes, keep, c);
/** max + log Σ exp(x − max). */
const logSumExp: Reduce = (x, axes, keep, c) => {
  const most = c.reduce('maximum', x, axes, true);
  const powers = c.unary('exponential', c.subtract(x, most));
  const rest = c.unary('log', sum(powers, axes, keep, c));
  return c.add(c.reshape(most, rest.dims), rest);
};

/** The first index at which the extreme stands, the last one where that is asked for. */
const extreme =
  (combine: 'maximum' | 'minimum'): Lower =>
  (node, c) => {
    const x = c.input(0);
    const axis = axisOf(intAttribute(node, 'axis', 0), x.dims.length);
    const last = intAttribute(node, 'select_last_index', 0) === 1;
    const found = c.compare('EQ', x, c.reduce(combine, x, [axis], true));
    const none = c.scalar(last ? -1 : x.dims[axis], 'i32');
    const places = c.select(found, c.iota(x.dims, axis), none);
    return c.reduce(last ? 'maximum' : 'minimum', places, [axis], intAttribute(node, 'keepdims', 1) === 1);
  };

const topK: Lower = (node, c) => {
  const x = c.input(0);
  const k = c.ints(1)?.[0] ?? c.refuse('its k is computed');
  const axis = axisOf(intAttribute(node, 'axis', -1), x.dims.length);
  const indices = c.iota(x.dims, axis);
  const combine = intAttribute(node, 'largest', 1) === 1 ? 'GT' : 'LT';
  const results = [x, indices].map(({ dtype, dims }) => ({ dtype, dims }));
  const sorted = c.ops('sort', [x, indices], results, { dimension: axis, is_stable: true }, combine);
  return sorted.map((v) => c.part(v, axis, 0, k));
};

/** A window that reaches back to the first element. */
const cumulative: Lower = (node, c) => {
  const x = c.input(0);
  const at = c.ints(1)?.[0] ?? c.refuse('its axis is computed');
  const axis = axisOf(at, x.dims.length);
  const reverse = intAttribute(node, 'reverse', 0) === 1;
  const size = x.dims[axis];
  const along = (value: number, otherwise: number) => x.dims.map((_, i) => (i === axis ? value : otherwise));
  const [before, none] = [along(size - 1, 0), along(0, 0)];
  const window = {
    kernel: along(size, 1),
    strides: along(1, 1),
    dilations: along(1, 1),
    begin: reverse ? none : before,
    end: reverse ? before : none,
  };
  const total = reduceWindow(c, x, 'add', window, 0);
  return intAttribute(node, 'exclusive', 0) === 1 ? c.subtract(total, x) : total;
};

export const REDUCTION: Family = {
  ReduceSum: reduction(sum),
  ReduceMean: reduction(mean),
  ReduceMax: reduction((x, axes, keep, c) => c.reduce('maximum', x, axes, keep)),
  ReduceMin: reduction((x, axes, keep, c) => c.reduce('minimum', x, axes, keep)),
  ReduceProd: reduction((x, axes, keep, c) => c.reduce('multiply', x, axes, keep)),
  ReduceL1: reduction((x, axes, keep, c) => sum(c.unary('abs', x), axes, keep, c)),
  ReduceL2: reduction((x, axes, keep, c) => c.unary('sqrt', sumSquare(x, axes, keep, c))),
  ReduceSumSquare: reduction(sumSquare),
  ReduceLogSum: reduction((x, axes, keep, c) => c.unary('log', sum(x, axes, keep, c))),
  ReduceLogSumExp: reduction(logSumExp),
  ArgMax: extreme('maximum'),
  ArgMin: extreme('minimum'),
  TopK: topK,
  CumSum: cumulative,
};
