import { intAttribute, intsAttribute, stringAttribute } from '../../../ir/graph.js';
import { elementCount } from '../../../ir/tensor.js';
import { axesOf } from '../../lowering/shapes.js';
import { interleaved } from '../../lowering/window.js';
import { dequantized, reshapeWeight, transposeWeight } from '../../weight.js';
import { axisOf, type Context, range } from '../context.js';
import { flag, flags, int, ints, text } from '../literal.js';
import type { Var } from '../program.js';
import type { Family, Lower } from './types.js';

/**
 * Shapes are known when the package is made, so whatever computes one has been folded. Weights stay weights, as floats
 * where their groups have no grid in the new shape: filters are constants.
 */
const reshape: Lower = (node, c) => {
  const dims = c.dims(node.outputs[0]);
  const weight = c.weight(node.inputs[0]);
  if (!weight) return c.reshape(c.input(0), dims);
  c.setWeight(node.outputs[0], reshapeWeight(weight, dims) ?? { dims, data: dequantized(weight) });
  return undefined;
};

const transpose: Lower = (node, c) => {
  const perm = intsAttribute(node, 'perm') ?? range(c.dims(node.inputs[0]).length).reverse();
  const weight = c.weight(node.inputs[0]);
  if (!weight) return c.transpose(c.input(0), perm);
  c.setWeight(node.outputs[0], transposeWeight(weight, perm));
  return undefined;
};

const squeeze: Lower = (node, c) => {
  const x = c.input(0);
  const listed = intsAttribute(node, 'axes') ?? c.ints(1);
  const axes =
    listed?.map((a) => axisOf(a, x.dims.length)) ?? range(x.dims.length).filter((a) => x.dims[a] === 1);
  return c.op('squeeze', { x, axes: ints(axes) }, c.dims(node.outputs[0]));
};

const unsqueeze: Lower = (node, c) => {
  const dims = c.dims(node.outputs[0]);
  const axes = axesOf(node, c, dims.length);
  return c.op('expand_dims', { x: c.input(0), axes: ints(axes) }, dims);
};

const concat: Lower = (node, c) => {
  const dims = c.dims(node.outputs[0]);
  const axis = axisOf(intAttribute(node, 'axis', 0), dims.length);
  const names = node.inputs.filter((name) => c.dims(name)[axis] !== 0);
  const values = names.map((name) => c.value(name));
  if (values.length === 1) return values[0];
  return c.op('concat', { values, axis: int(axis), interleave: flag(false) }, dims);
};

const split: Lower = (node, c) => {
  const x = c.input(0);
  const axis = axisOf(intAttribute(node, 'axis', 0), x.dims.length);
  const outputs = node.outputs.map((name) => ({ dims: c.dims(name) }));
  if (outputs.length === 1) return x;
  const sizes = outputs.map(({ dims }) => dims[axis]);
  return c.ops('split', { x, split_sizes: ints(sizes), axis: int(axis) }, outputs);
};

/** Begin, end and step of every axis, counted from the front; an end before the first element is a mask. */
const slice: Lower = (node, c) => {
  const x = c.input(0);
  const rank = x.dims.length;
  const [starts, ends] = [
    c.ints(1) ?? c.refuse('its starts are computed'),
    c.ints(2) ?? c.refuse('its ends are computed'),
  ];
  const axes = (c.ints(3) ?? range(starts.length)).map((a) => axisOf(a, rank));
  const steps = c.ints(4) ?? starts.map(() => 1);
  const [begin, end, stride] = [range(rank).map(() => 0), [...x.dims], range(rank).map(() => 1)];
  const openEnd = range(rank).map(() => false);
  axes.forEach((axis, i) => {
    const size = x.dims[axis];
    const step = steps[i];
    const held = (v: number, low: number, high: number) =>
      Math.min(Math.max(v < 0 ? v + size : v, low), high);
    stride[axis] = step;
    begin[axis] = step > 0 ? held(starts[i], 0, size) : held(starts[i], 0, size - 1);
    end[axis] = step > 0 ? held(ends[i], 0, size) : held(ends[i], -1, size - 1);
    openEnd[axis] = end[axis] < 0;
  });
  return sliced(
    c,
    x,
    { begin, end: end.map((e) => Math.max(e, 0)), stride, openEnd },
    c.dims(node.outputs[0]),
  );
};

interface Range {
  begin: number[];
  end: number[];
  stride?: number[];
  openEnd?: boolean[];
  /** Axes that are dropped. */
  drop?: boolean[];
}

export function sliced(c: Context, x: Var, part: Range, dims: number[]): Var {
  const none = x.dims.map(() => false);
  const inputs = {
    x,
    begin: ints(part.begin),
    end: ints(part.end),
    stride: ints(part.stride ?? x.dims.map(() => 1)),
    begin_mask: flags(none),
    end_mask: flags(part.openEnd ?? none),
    squeeze_mask: flags(part.drop ?? none),
  };
  return c.op('slice_by_index', inputs, dims);
}

const MODES: Record<string, string> = { constant: 'constant', reflect: 'reflect', edge: 'replicate' };

const pad: Lower = (node, c) => {
  const rank = c.dims(node.inputs[0]).length;
  const listed = c.ints(1) ?? c.refuse('its pads are computed');
  const axes = c.ints(3)?.map((a) => axisOf(a, rank)) ?? range(rank);
  const sides = padSides(listed, axes, rank);
  const x = cropped(c, c.input(0), sides);
  const [begin, end] = sides.map((side) => side.map((p) => Math.max(p, 0)));
  const mode = MODES[stringAttribute(node, 'mode', 'constant')] ?? c.refuse('it pads around the edge');
  const touched = range(rank).filter((i) => begin[i] + end[i] > 0);
  if (mode !== 'constant' && touched.some((i) => i < rank - 2))
    return c.refuse(`${mode} padding works on the last two axes only`);
  const value = node.inputs[2] ? (c.floats(node.inputs[2])?.[0] ?? c.ints(2)?.[0]) : 0;
  if (value === undefined) return c.refuse('the value it pads with is computed');
  if (x.dtype !== c.float) return c.refuse('Core ML pads floats only');
  // reflect and replicate state the axes that they pad, which are the last ones.
  const from = mode === 'constant' ? 0 : Math.max(rank - 2, 0);
  const inputs = {
    x,
    pad: ints(interleaved(begin.slice(from), end.slice(from))),
    mode: text(mode),
    constant_val: c.number(value),
  };
  return touched.length === 0 ? x : c.op('pad', inputs, c.dims(node.outputs[0]));
};

/** What negative pads cut off. */
function cropped(c: Context, x: Var, [begin, end]: [number[], number[]]): Var {
  if (![...begin, ...end].some((p) => p < 0)) return x;
  const from = begin.map((p) => Math.max(-p, 0));
  const to = x.dims.map((d, i) => d - Math.max(-end[i], 0));
  return sliced(
    c,
    x,
    { begin: from, end: to },
    to.map((t, i) => t - from[i]),
  );
}

function padSides(listed: number[], axes: number[], rank: number): [number[], number[]] {
  const sides: [number[], number[]] = [Array(rank).fill(0), Array(rank).fill(0)];
  axes.forEach((axis, i) => {
    sides[0][axis] = listed[i];
    sides[1][axis] = listed[i + axes.length];
  });
  return sides;
}

const depthToSpace: Lower = (node, c) => {
  const x = c.input(0);
  const block = int(intAttribute(node, 'blocksize', 1));
  const dims = c.dims(node.outputs[0]);
  return stringAttribute(node, 'mode', 'DCR') === 'CRD'
    ? c.op('pixel_shuffle', { x, upscale_factor: block }, dims)
    : c.op('depth_to_space', { x, block_size: block }, dims);
};

const broadcast: Lower = (node, c) => c.broadcast(c.input(0), c.dims(node.outputs[0]));

/** The shape is known, so what asks for it gets a constant. */
const shape: Lower = (node, c) => {
  const dims = c.dims(node.inputs[0]);
  return c.literal(ints(dims.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', dims.length))));
};

/** Keeps one triangle of each matrix: Core ML's own from the main diagonal, by a mask from any other. */
const triangle: Lower = (node, c) => {
  const x = c.input(0);
  const k = node.inputs[1] ? (c.ints(1)?.[0] ?? c.refuse('its k is computed')) : 0;
  const upper = intAttribute(node, 'upper', 1) === 1;
  if (k === 0)
    return c.op('band_part', { x, lower: int(upper ? 0 : -1), upper: int(upper ? -1 : 0) }, x.dims);
  const [rows, columns] = x.dims.slice(-2);
  const isKept = (at: number) => {
    const above = (at % columns) - (Math.floor(at / columns) % rows);
    return upper ? above >= k : above <= k;
  };
  const mask = Uint8Array.from({ length: elementCount(x.dims) }, (_, at) => Number(isKept(at)));
  const b = c.broadcast(c.literal(c.number(0, x)), x.dims);
  return c.op('select', { cond: { dtype: 'bool', dims: x.dims, bytes: mask }, a: x, b }, x.dims, x.dtype);
};

export const MOVEMENT: Family = {
  Reshape: reshape,
  Flatten: reshape,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Expand: broadcast,
  Tile: (node, c) =>
    c.op(
      'tile',
      { x: c.input(0), reps: ints(c.ints(1) ?? c.refuse('its repeats are computed')) },
      c.dims(node.outputs[0]),
    ),
  DepthToSpace: depthToSpace,
  SpaceToDepth: (node, c) =>
    c.op(
      'space_to_depth',
      { x: c.input(0), block_size: int(intAttribute(node, 'blocksize', 1)) },
      c.dims(node.outputs[0]),
    ),
  Identity: (_, c) => c.input(0),
  Dropout: (node, c) => (node.outputs[1] ? c.refuse('its mask is read') : c.input(0)),
  Shape: shape,
  Trilu: triangle,
};
