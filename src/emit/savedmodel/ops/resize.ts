import { floatAttribute, stringAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { range } from '../builder.js';
import type { Context } from '../context.js';
import type { Value } from '../program.js';
import { take } from '../weights.js';
import type { Family, Lower } from './types.js';

/** Where cell i of an axis of `to` cells lies among `from` cells, as ONNX defines it. */
const COORDINATES: Record<string, (i: number, from: number, to: number, scale: number) => number> = {
  half_pixel: (i, _from, _to, scale) => (i + 0.5) / scale - 0.5,
  pytorch_half_pixel: (i, _from, to, scale) => (to > 1 ? (i + 0.5) / scale - 0.5 : 0),
  asymmetric: (i, _from, _to, scale) => i / scale,
  align_corners: (i, from, to) => (to > 1 ? (i * (from - 1)) / (to - 1) : 0),
};

const ROUNDING: Record<string, (x: number) => number> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
};

/** One axis after the other: sizes are known, so each is a look-up at fixed places, or a product with a fixed matrix. */
const resize: Lower = (node, c) => {
  const x = c.input(0);
  const dims = c.dims(node.outputs[0]);
  const name = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel');
  const coordinate = COORDINATES[name] ?? c.refuse(`${name} coordinates have no counterpart`);
  const scales = scalesOf(node, c, x.dims, dims);
  const places = (axis: number) =>
    range(dims[axis]).map((i) => coordinate(i, x.dims[axis], dims[axis], scales[axis]));
  const axes = range(dims.length).filter((axis) => dims[axis] !== x.dims[axis] || scales[axis] !== 1);
  return axes.reduce((v, axis) => along(node, c, v, axis, places(axis)), x);
};

/** Stated factors count where they are stated: the size is only their rounded product. */
function scalesOf(node: Node, c: Context, from: number[], to: number[]): number[] {
  const stated = c.has(2) ? c.floats(node.inputs[2]) : undefined;
  const axes = node.attributes.find((a) => a.name === 'axes')?.ints.map(Number) ?? range(from.length);
  const scales = to.map((d, i) => d / from[i]);
  if (stated?.length) for (const [i, axis] of axes.entries()) scales[axis] = stated[i];
  return scales;
}

function along(node: Node, c: Context, x: Value, axis: number, places: number[]): Value {
  const mode = stringAttribute(node, 'mode', 'nearest');
  const size = x.dims[axis];
  if (mode === 'nearest') {
    const rounding = ROUNDING[stringAttribute(node, 'nearest_mode', 'round_prefer_floor')];
    const cells = places.map((p) => Math.min(Math.max(rounding(p), 0), size - 1));
    return nearest(c, x, axis, cells);
  }
  if (stringAttribute(node, 'antialias', '') || !['linear', 'cubic'].includes(mode))
    return c.refuse(`${mode} resizing has no counterpart`);
  const weights = mode === 'linear' ? linear : cubic(floatAttribute(node, 'cubic_coeff_a', -0.75));
  const matrix = new Float32Array(places.length * size);
  places.forEach((p, row) => {
    for (const [cell, weight] of weights(p))
      matrix[row * size + Math.min(Math.max(cell, 0), size - 1)] += weight;
  });
  return interpolate(c, x, axis, places.length, matrix);
}

/** Whole factors repeat each cell; other ones look cells up. */
function nearest(c: Context, x: Value, axis: number, cells: number[]): Value {
  const factor = cells.length / x.dims[axis];
  if (!cells.every((cell, i) => cell === Math.floor(i / factor)))
    return take(c, x, c.constant('i32', [cells.length], cells), axis);
  const split = [...x.dims.slice(0, axis + 1), factor, ...x.dims.slice(axis + 1)];
  const spread = c.spread(
    x,
    split,
    range(x.dims.length).map((i) => (i <= axis ? i : i + 1)),
  );
  return c.reshape(
    spread,
    x.dims.map((d, i) => (i === axis ? cells.length : d)),
  );
}

type Weights = (place: number) => [cell: number, weight: number][];

const linear: Weights = (place) => {
  const cell = Math.floor(place);
  return [
    [cell, 1 - (place - cell)],
    [cell + 1, place - cell],
  ];
};

/** Keys' kernel (ONNX's cubic_coeff_a). */
const cubic =
  (a: number): Weights =>
  (place) => {
    const cell = Math.floor(place);
    return range(4).map((i): [number, number] => {
      const d = Math.abs(place - (cell - 1 + i));
      const weight =
        d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a;
      return [cell - 1 + i, weight];
    });
  };

/** x with its axis multiplied by [cells, size], in float32. */
function interpolate(c: Context, x: Value, axis: number, cells: number, matrix: Float32Array): Value {
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
