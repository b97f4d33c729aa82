import { intAttribute } from '../../../ir/graph.js';
import { axesOf } from '../../lowering/shapes.js';
import { axisOf } from '../context.js';
import { flag, int, text } from '../literal.js';
import type { Family, Lower } from './types.js';

const reduction =
  (type: string): Lower =>
  (node, c) => {
    const x = c.input(0);
    const axes = axesOf(node, c, x.dims.length);
    return axes.length === 0 ? x : c.reduce(type, x, axes, intAttribute(node, 'keepdims', 1) === 1);
  };

const extreme =
  (type: string): Lower =>
  (node, c) => {
    if (intAttribute(node, 'select_last_index', 0) === 1)
      return c.refuse('select_last_index has no counterpart');
    const x = c.input(0);
    const axis = axisOf(intAttribute(node, 'axis', 0), x.dims.length);
    const keep = flag(intAttribute(node, 'keepdims', 1) === 1);
    const inputs = { x, axis: int(axis), keep_dims: keep, output_dtype: text('int32') };
    return c.op(type, inputs, c.dims(node.outputs[0]), 'int32');
  };

const topK: Lower = (node, c) => {
  const x = c.input(0);
  const k = c.ints(1)?.[0] ?? c.refuse('its k is computed');
  const axis = axisOf(intAttribute(node, 'axis', -1), x.dims.length);
  const dims = c.dims(node.outputs[0]);
  const inputs = {
    x,
    k: int(k),
    axis: int(axis),
    ascending: flag(intAttribute(node, 'largest', 1) === 0),
    sort: flag(true),
    return_indices: flag(true),
    output_indices_dtype: text('int32'),
  };
  return c.ops('topk', inputs, [{ dims }, { dims, dtype: 'int32' }]);
};

const cumulative: Lower = (node, c) => {
  const x = c.input(0);
  const axis = c.ints(1)?.[0] ?? c.refuse('its axis is computed');
  const inputs = {
    x,
    axis: int(axisOf(axis, x.dims.length)),
    exclusive: flag(intAttribute(node, 'exclusive', 0) === 1),
    reverse: flag(intAttribute(node, 'reverse', 0) === 1),
  };
  return c.op('cumsum', inputs, x.dims);
};

export const REDUCTION: Family = {
  ReduceSum: reduction('reduce_sum'),
  ReduceMean: reduction('reduce_mean'),
  ReduceMax: reduction('reduce_max'),
  ReduceMin: reduction('reduce_min'),
  ReduceProd: reduction('reduce_prod'),
  ReduceL1: reduction('reduce_l1_norm'),
  ReduceL2: reduction('reduce_l2_norm'),
  ReduceSumSquare: reduction('reduce_sum_square'),
  ReduceLogSum: reduction('reduce_log_sum'),
  ReduceLogSumExp: reduction('reduce_log_sum_exp'),
  ArgMax: extreme('reduce_argmax'),
  ArgMin: extreme('reduce_argmin'),
  TopK: topK,
  CumSum: cumulative,
};
