import { intAttribute, intsAttribute, stringAttribute } from '../../../ir/graph.js';
import { elementCount } from '../../../ir/tensor.js';
import { reshapeWeight, transposeWeight } from '../../weight.js';
import { range } from '../builder.js';
import { axisOf, type Context } from '../context.js';
import type { Value } from '../program.js';
import type { Family, Lower } from './types.js';

/** Shapes are known when the package is made, so whatever computes one has been folded. */
/** Weights stay weights where their groups have a grid in the new shape; other values are moved by the program. */
const reshape: Lower = (node, c) => {
  const dims = c.dims(node.outputs[0]);
  const weight = c.weight(node.inputs[0]);
  const reshaped = weight && reshapeWeight(weight, dims);
  if (!reshaped) return c.reshape(c.input(0), dims);
  c.setWeight(node.outputs[0], reshaped);
  return undefined;
};

const transpose: Lower = (node, c) => {
  const perm = intsAttribute(node, 'perm') ?? range(c.dims(node.inputs[0]).length).reverse();
  const weight = c.weight(node.inputs[0]);
  if (!weight) return c.transpose(c.input(0), perm);
  c.setWeight(node.outputs[0], transposeWeight(weight, perm));
  return undefined;
};

const concat: Lower = (node, c) => {
  const axis = axisOf(intAttribute(node, 'axis', 0), c.dims(node.outputs[0]).length);
  const names = node.inputs.filter((name) => c.dims(name)[axis] !== 0);
  return c.concatenate(
    names.map((name) => c.value(name)),
    axis,
  );
};

const split: Lower = (node, c) => {
  const x = c.input(0);
  const axis = axisOf(intAttribute(node, 'axis', 0), x.dims.length);
  let from = 0;
  return node.outputs.map((name) => {
    const size = c.dims(name)[axis];
    from += size;
    return c.part(x, axis, from - size, from);
  });
};

/** A negative step starts at the last element: the axis is turned around first. */
const slice: Lower = (_, c) => {
  const x = c.input(0);
  const rank = x.dims.length;
  const starts = c.ints(1) ?? c.refuse('its starts are computed');
  const ends = c.ints(2) ?? c.refuse('its ends are computed');
  const axes = (c.ints(3) ?? range(starts.length)).map((a) => axisOf(a, rank));
  const steps = c.ints(4) ?? starts.map(() => 1);
  const part = { start: x.dims.map(() => 0), limit: [...x.dims], strides: x.dims.map(() => 1) };
  const turned: number[] = [];
  axes.forEach((axis, i) => {
    const size = x.dims[axis];
    const down = steps[i] < 0;
    const held = (v: number) =>
      Math.min(Math.max(v < 0 ? v + size : v, down ? -1 : 0), down ? size - 1 : size);
    const [start, end] = [held(starts[i]), held(ends[i])];
    if (down) turned.push(axis);
    part.start[axis] = down ? size - 1 - start : start;
    part.limit[axis] = Math.max(part.start[axis], down ? size - 1 - end : end);
    part.strides[axis] = Math.abs(steps[i]);
  });
  return c.slice(turned.length ? c.reverse(x, turned) : x, part.start, part.limit, part.strides);
};

const pad: Lower = (node, c) => {
  const x = c.input(0);
  const rank = x.dims.length;
  const listed = c.ints(1) ?? c.refuse('its pads are computed');
  const axes = c.ints(3)?.map((a) => axisOf(a, rank)) ?? range(rank);
  const [low, high] = [x.dims.map(() => 0), x.dims.map(() => 0)];
  axes.forEach((axis, i) => {
    low[axis] = listed[i];
    high[axis] = listed[i + axes.length];
  });
  const mode = stringAttribute(node, 'mode', 'constant');
  if (mode === 'constant') {
    const value = c.has(2) ? c.reshape(c.convert(c.input(2), x.dtype), []) : c.like(x, 0);
    return c.pad(x, value, low, high);
  }
  if (mode !== 'reflect' && mode !== 'edge' && mode !== 'wrap') return c.refuse(`it pads by ${mode}`);
  return range(rank).reduce((v, axis) => padAxis(c, v, axis, [low[axis], high[axis]], mode), x);
};

/** Copies of the axis: cells next to the edge turned around, the edge itself, or the other end. */
function padAxis(c: Context, x: Value, axis: number, [low, high]: [number, number], mode: string): Value {
  const size = x.dims[axis];
  const copies = (front: boolean, count: number): Value[] => {
    if (count <= 0) return [];
    if (mode === 'edge') {
      const at = front ? 0 : size - 1;
      const edge = c.part(x, axis, at, at + 1);
      return [
        c.broadcast(
          edge,
          x.dims.map((d, i) => (i === axis ? count : d)),
        ),
      ];
    }
    if (mode === 'wrap') return [front ? c.part(x, axis, size - count, size) : c.part(x, axis, 0, count)];
    if (count >= size) c.refuse('it reflects more than the axis holds');
    const near = front ? c.part(x, axis, 1, count + 1) : c.part(x, axis, size - 1 - count, size - 1);
    return [c.reverse(near, [axis])];
  };
  const kept = c.part(x, axis, Math.max(-low, 0), size + Math.min(high, 0));
  return c.concatenate([...copies(true, low), kept, ...copies(false, high)], axis);
}

const tile: Lower = (node, c) => {
  const x = c.input(0);
  const repeats = c.ints(1) ?? c.refuse('its repeats are computed');
  const split = x.dims.flatMap((d, i) => [repeats[i], d]);
  const spread = c.spread(
    x,
    split,
    range(x.dims.length).map((i) => 2 * i + 1),
  );
  return c.reshape(spread, c.dims(node.outputs[0]));
};

/** Channels become blocks of b×b cells: depth first (DCR) or columns first (CRD). */
const depthToSpace: Lower = (node, c) => {
  const x = c.input(0);
  const b = intAttribute(node, 'blocksize', 1);
  const [n, channels, h, w] = x.dims;
  const depth = channels / b / b;
  const isCrd = stringAttribute(node, 'mode', 'DCR') === 'CRD';
  const split = c.reshape(x, isCrd ? [n, depth, b, b, h, w] : [n, b, b, depth, h, w]);
  const turned = c.transpose(split, isCrd ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]);
  return c.reshape(turned, [n, depth, h * b, w * b]);
};

const spaceToDepth: Lower = (node, c) => {
  const x = c.input(0);
  const b = intAttribute(node, 'blocksize', 1);
  const [n, channels, h, w] = x.dims;
  const split = c.reshape(x, [n, channels, h / b, b, w / b, b]);
  return c.reshape(c.transpose(split, [0, 3, 5, 1, 2, 4]), [n, channels * b * b, h / b, w / b]);
};

/** The shape is known, so what asks for it gets a constant. */
const shape: Lower = (node, c) => {
  const dims = c.dims(node.inputs[0]);
  const [from, to] = [intAttribute(node, 'start', 0), intAttribute(node, 'end', dims.length)];
  const asked = dims.slice(from, to);
  return c.constant('i32', [asked.length], asked);
};

/** Keeps one triangle of each matrix: where row + k is at least (lower), or at most (upper), the column. */
const triangle: Lower = (node, c) => {
  const x = c.input(0);
  const k = c.has(1) ? (c.ints(1)?.[0] ?? c.refuse('its k is computed')) : 0;
  const rank = x.dims.length;
  const matrix = x.dims.slice(-2);
  const [rows, columns] = [c.iota(matrix, 0), c.iota(matrix, 1)];
  const upper = intAttribute(node, 'upper', 1) === 1;
  const kept = c.compare(upper ? 'LE' : 'GE', c.add(rows, c.scalar(k, 'i32')), columns);
  return c.select(c.spread(kept, x.dims, [rank - 2, rank - 1]), x, c.like(x, 0));
};

export const MOVEMENT: Family = {
  Reshape: reshape,
  Flatten: reshape,
  Transpose: transpose,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Expand: (node, c) => c.broadcast(c.input(0), c.dims(node.outputs[0])),
  Tile: tile,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Identity: (_, c) => c.input(0),
  Dropout: (node, c) => (node.outputs[1] ? c.refuse('its mask is read') : c.input(0)),
  Shape: shape,
  Size: (node, c) => c.scalar(elementCount(c.dims(node.inputs[0])), 'i32'),
  Trilu: triangle,
};
