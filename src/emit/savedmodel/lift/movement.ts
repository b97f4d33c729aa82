import { makeAttribute, makeNode } from '../../../ir/graph.js';
import type { Operation } from '../program.js';
import { type Lifter, number, numbers, refuse, struct } from './lifter.js';
import type { Lifts } from './types.js';

/** Axes of size 1 are put in, then repeated. */
function broadcast(o: Operation, l: Lifter): void {
  const axes = numbers(o, 'broadcast_dimensions');
  const [x] = o.operands;
  const { dims } = o.results[0];
  const shape = dims.map((_, i) => (axes.includes(i) ? x.dims[axes.indexOf(i)] : 1));
  l.finish(o, 'Expand', [l.reshape(l.name(x), shape), l.ints(dims)]);
}

function slice(o: Operation, l: Lifter): void {
  const [start, limit, strides] = ['start_indices', 'limit_indices', 'strides'].map((n) => numbers(o, n));
  const axes = start.map((_, i) => i);
  l.finish(o, 'Slice', [l.input(o, 0), ...[start, limit, axes, strides].map((v) => l.ints(v))]);
}

/** Turns axes around by slices with a step of −1. */
export function reversed(l: Lifter, x: string, axes: number[]): string {
  const all = (value: number) => l.ints(axes.map(() => value));
  return l.step('Slice', [x, all(-1), all(-(2 ** 31)), l.ints(axes), all(-1)]);
}

/** Zeros (or another value) between the elements: a padded axis of size 1 behind each, folded back, and cut. */
export function spreadOut(l: Lifter, x: string, dims: number[], interior: number[], value?: string): string {
  return interior.reduce((name, gap, axis) => {
    if (gap === 0) return name;
    const done = dims.map((d, i) => (i < axis ? (d - 1) * (interior[i] + 1) + 1 : d));
    const split = [...done.slice(0, axis + 1), 1, ...done.slice(axis + 1)];
    const pads = [...split.map(() => 0), ...split.map((_, i) => (i === axis + 1 ? gap : 0))];
    const padded = l.step('Pad', [l.reshape(name, split), l.ints(pads), ...(value ? [value] : [])]);
    const wide = l.reshape(
      padded,
      done.map((d, i) => (i === axis ? d * (gap + 1) : d)),
    );
    return l.step('Slice', [wide, l.ints([0]), l.ints([(dims[axis] - 1) * (gap + 1) + 1]), l.ints([axis])]);
  }, x);
}

function pad(o: Operation, l: Lifter): void {
  const [low, high, interior] = ['edge_padding_low', 'edge_padding_high', 'interior_padding'].map((n) =>
    numbers(o, n),
  );
  const spread = spreadOut(l, l.input(o, 0), o.operands[0].dims, interior, l.input(o, 1));
  l.finish(o, 'Pad', [spread, l.ints([...low, ...high]), l.input(o, 1)]);
}

/** The two shapes that are written: elements along one axis, and slices at index vectors. */
function gather(o: Operation, l: Lifter): void {
  const numbering = struct(o, 'dimension_numbers');
  const [x, indices] = o.operands;
  const collapsed = numbering.collapsed_slice_dims as number[];
  const inputs = [l.name(x), l.name(indices)];
  if (numbering.index_vector_dim === indices.dims.length)
    l.finish(o, 'Gather', inputs, [makeAttribute.int('axis', collapsed[0])]);
  else l.finish(o, 'GatherND', [inputs[0], l.cast(inputs[1], 'int64')]);
}

const REDUCTIONS: Record<string, string> = {
  second: 'none',
  add: 'add',
  multiply: 'mul',
  minimum: 'min',
  maximum: 'max',
};

function scatter(o: Operation, l: Lifter): void {
  const reduction = REDUCTIONS[o.combine ?? ''] ?? refuse(o, `scatters by ${o.combine}`);
  const inputs = [l.input(o, 0), l.cast(l.input(o, 1), 'int64'), l.input(o, 2)];
  l.finish(o, 'ScatterND', inputs, [makeAttribute.string('reduction', reduction)]);
}

/** Two values sorted together by the first: the whole axis as its greatest, or least. */
function sort(o: Operation, l: Lifter): void {
  const axis = number(o, 'dimension');
  const k = l.ints([o.operands[0].dims[axis]]);
  const largest = makeAttribute.int('largest', o.combine === 'GT' ? 1 : 0);
  const along = makeAttribute.int('axis', axis);
  const [values, order] = [l.name(o.results[0]), `${l.name(o.results[0])}/order`];
  l.nodes.push(
    makeNode('TopK', [l.input(o, 0), k], [values, order], [along, largest]),
    makeNode('GatherElements', [l.input(o, 1), order], [l.name(o.results[1])], [along]),
  );
}

export const MOVEMENT: Lifts = {
  'stablehlo.reshape': (o, l) => l.finish(o, 'Reshape', [l.input(o, 0), l.ints(o.results[0].dims)]),
  'stablehlo.transpose': (o, l) =>
    l.finish(o, 'Transpose', [l.input(o, 0)], [makeAttribute.ints('perm', numbers(o, 'permutation'))]),
  'stablehlo.broadcast_in_dim': broadcast,
  'stablehlo.slice': slice,
  'stablehlo.concatenate': (o, l) =>
    l.finish(
      o,
      'Concat',
      o.operands.map((v) => l.name(v)),
      [makeAttribute.int('axis', number(o, 'dimension'))],
    ),
  'stablehlo.reverse': (o, l) =>
    l.finish(o, 'Identity', [reversed(l, l.input(o, 0), numbers(o, 'dimensions'))]),
  'stablehlo.pad': pad,
  'stablehlo.gather': gather,
  'stablehlo.scatter': scatter,
  'stablehlo.sort': sort,
};
