import { intAttribute, intsAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { interleaved, type Window, windowOf } from '../../lowering/window.js';
import { type Context, type Inputs, range } from '../context.js';
import { flag, ints, text } from '../literal.js';
import type { Var } from '../program.js';
import type { Family, Lower } from './types.js';

interface Pool {
  x: Var;
  dims: number[];
  window: Window;
}

function pool(node: Node, c: Context): Pool {
  const x = c.input(0);
  const dims = c.dims(node.outputs[0]);
  const kernel = intsAttribute(node, 'kernel_shape') ?? c.refuse('it states no kernel_shape');
  const window = windowOf(node, kernel, x.dims.slice(2), dims.slice(2));
  if (window.dilations.some((d) => d !== 1)) c.refuse('Core ML’s pools have no dilations');
  return { x, dims, window };
}

/** ceil_mode is worked out as padding, which every rank takes. */
const inputs = ({ x, window: { kernel, strides, begin, end } }: Pool): Inputs => ({
  x,
  kernel_sizes: ints(kernel),
  strides: ints(strides),
  pad_type: text('custom'),
  pad: ints(interleaved(begin, end)),
  ceil_mode: flag(false),
});

const maxPool: Lower = (node, c) => {
  if (node.outputs[1]) return c.refuse('Core ML’s max_pool gives no indices');
  const p = pool(node, c);
  return c.op('max_pool', inputs(p), p.dims);
};

const averagePool: Lower = (node, c) => {
  const p = pool(node, c);
  const counted = intAttribute(node, 'count_include_pad', 0) === 1;
  if (counted && p.window.extra.some((e) => e > 0))
    return c.refuse('count_include_pad with ceil_mode counts some of the padding and not the rest');
  return c.op('avg_pool', { ...inputs(p), exclude_padding_from_average: flag(!counted) }, p.dims);
};

const global =
  (type: string): Lower =>
  (_, c) => {
    const x = c.input(0);
    return c.reduce(type, x, range(x.dims.length, 2), true);
  };

export const POOL: Family = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: global('reduce_mean'),
  GlobalMaxPool: global('reduce_max'),
};
