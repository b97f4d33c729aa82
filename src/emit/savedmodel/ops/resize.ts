import { type AxisMap, repeats, resizeAxes } from '../../lowering/resize.js';
import { range } from '../builder.js';
import type { Context } from '../context.js';
import type { Value } from '../program.js';
import { take } from '../weights.js';
import type { Family, Lower } from './types.js';

/** One axis after the other. */
const resize: Lower = (node, c) => {
  const x = c.input(0);
  const stated = c.has(2) ? c.floats(node.inputs[2]) : undefined;
  const maps = resizeAxes(node, x.dims, c.dims(node.outputs[0]), stated, (why) => c.refuse(why));
  return maps.reduce((v, map) => (map.matrix ? interpolate(c, v, map, map.matrix) : nearest(c, v, map)), x);
};

/** Whole factors repeat each cell; other ones look cells up. */
function nearest(c: Context, x: Value, map: AxisMap): Value {
  const { axis, cells, sources } = map;
  const factor = repeats(map, x.dims[axis]);
  if (!factor) return take(c, x, c.constant('i32', [cells], sources!), axis);
  const split = [...x.dims.slice(0, axis + 1), factor, ...x.dims.slice(axis + 1)];
  const spread = c.spread(
    x,
    split,
    range(x.dims.length).map((i) => (i <= axis ? i : i + 1)),
  );
  return c.reshape(
    spread,
    x.dims.map((d, i) => (i === axis ? cells : d)),
  );
}

/** x with its axis multiplied by [cells, size], in float32. */
function interpolate(c: Context, x: Value, { axis, cells }: AxisMap, matrix: Float32Array): Value {
  const last = x.dims.length - 1;
  const order = [...range(x.dims.length).filter((i) => i !== axis), axis];
  const moved = c.transpose(x, order);
  const weights = c.constant('f32', [cells, x.dims[axis]], matrix);
  const attributes = {
    dot_dimension_numbers: {
      kind: 'dot' as const,
      fields: {
        lhs_batching_dimensions: [],
        rhs_batching_dimensions: [],
        lhs_contracting_dimensions: [last],
        rhs_contracting_dimensions: [1],
      },
    },
    precision_config: '[#stablehlo<precision HIGHEST>, #stablehlo<precision HIGHEST>]',
  };
  const product = c.op('dot_general', [moved, weights], [...moved.dims.slice(0, -1), cells], attributes);
  return c.transpose(
    product,
    order.map((_, i) => order.indexOf(i)),
  );
}

export const RESIZE: Family = { Resize: resize };
