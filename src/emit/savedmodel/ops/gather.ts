import { attribute, intAttribute, stringAttribute } from '../../../ir/graph.js';
import { floatValues, intValues } from '../../../ir/tensor.js';
import { range } from '../builder.js';
import { axisOf, type Context } from '../context.js';
import type { Combine, Value } from '../program.js';
import { take } from '../weights.js';
import type { Family, Lower } from './types.js';

/** Indices count from the front: constants are rewritten, computed ones moved up where they are negative. */
function indices(c: Context, i: number, size: number): Value {
  const known = c.ints(i);
  if (known)
    return c.constant(
      'i32',
      c.dims(c.node.inputs[i]),
      known.map((v) => axisOf(v, size)),
    );
  const x = c.input(i);
  return c.select(c.compare('LT', x, c.scalar(0, 'i32')), c.add(x, c.scalar(size, 'i32')), x);
}

/** One fixed index is a slice. */
const gather: Lower = (node, c) => {
  const x = c.input(0);
  const axis = axisOf(intAttribute(node, 'axis', 0), x.dims.length);
  const known = c.ints(1);
  if (known?.length === 1) {
    const at = axisOf(known[0], x.dims[axis]);
    return c.reshape(c.part(x, axis, at, at + 1), c.dims(node.outputs[0]));
  }
  return take(c, x, indices(c, 1, x.dims[axis]), axis);
};

/** Every coordinate of each element that indices along `axis` address: [..., rank]. */
function coordinates(c: Context, along: Value, axis: number): Value {
  const whole = [...along.dims, 1];
  const parts = along.dims.map((_, i) => c.reshape(i === axis ? along : c.iota(along.dims, i), whole));
  return c.concatenate(parts, along.dims.length);
}

/** Slices of x at index vectors (the last axis of `vectors`), which address its first axes. */
function takeVectors(c: Context, x: Value, vectors: Value): Value {
  const depth = vectors.dims.at(-1)!;
  const lead = vectors.dims.length - 1;
  const dims = [...vectors.dims.slice(0, -1), ...x.dims.slice(depth)];
  return c.op('gather', [x, vectors], dims, {
    dimension_numbers: {
      kind: 'gather',
      fields: {
        offset_dims: range(dims.length, lead),
        collapsed_slice_dims: range(depth),
        start_index_map: range(depth),
        index_vector_dim: lead,
      },
    },
    slice_sizes: x.dims.map((d, i) => (i < depth ? 1 : d)),
    indices_are_sorted: false,
  });
}

const gatherElements: Lower = (node, c) => {
  const x = c.input(0);
  const axis = axisOf(intAttribute(node, 'axis', 0), x.dims.length);
  return takeVectors(c, x, coordinates(c, indices(c, 1, x.dims[axis]), axis));
};

/** Index vectors with every component counted from the front. */
function vectorsFromFront(c: Context, x: Value, batch = 0): Value {
  const depth = c.dims(c.node.inputs[1]).at(-1)!;
  const sizes = c.constant('i32', [depth], x.dims.slice(batch, batch + depth));
  const given = c.input(1);
  return c.select(c.compare('LT', given, c.scalar(0, 'i32')), c.add(given, sizes), given);
}

/** With batch axes, their own indices come first in each vector. */
const gatherNd: Lower = (node, c) => {
  const x = c.input(0);
  const batch = intAttribute(node, 'batch_dims', 0);
  const vectors = vectorsFromFront(c, x, batch);
  const one = [...vectors.dims.slice(0, -1), 1];
  const parts = range(batch).map((i) => c.iota(one, i));
  return takeVectors(c, x, c.concatenate([...parts, vectors], vectors.dims.length - 1));
};

const REDUCTIONS: Record<string, Combine> = {
  none: 'second',
  add: 'add',
  mul: 'multiply',
  min: 'minimum',
  max: 'maximum',
};

function scatter(c: Context, x: Value, vectors: Value, updates: Value): Value {
  const depth = vectors.dims.at(-1)!;
  const lead = vectors.dims.length - 1;
  const combine =
    REDUCTIONS[stringAttribute(c.node, 'reduction', 'none')] ?? c.refuse('its reduction is unknown');
  const attributes = {
    scatter_dimension_numbers: {
      kind: 'scatter' as const,
      fields: {
        update_window_dims: range(updates.dims.length, lead),
        inserted_window_dims: range(depth),
        scatter_dims_to_operand_dims: range(depth),
        index_vector_dim: lead,
      },
    },
    indices_are_sorted: false,
    unique_indices: false,
  };
  const result = { dtype: x.dtype, dims: x.dims };
  return c.ops('scatter', [x, vectors, updates], [result], attributes, combine)[0];
}

const scatterElements: Lower = (node, c) => {
  const x = c.input(0);
  const axis = axisOf(intAttribute(node, 'axis', 0), x.dims.length);
  return scatter(c, x, coordinates(c, indices(c, 1, x.dims[axis]), axis), c.input(2));
};

const scatterNd: Lower = (_, c) => {
  const x = c.input(0);
  return scatter(c, x, vectorsFromFront(c, x), c.input(2));
};

/** off, and on where the running index along the new axis equals the given one. */
const oneHot: Lower = (node, c) => {
  const depth = c.ints(1)?.[0] ?? c.floats(node.inputs[1])?.[0] ?? c.refuse('its depth is computed');
  const dims = c.dims(node.outputs[0]);
  const axis = axisOf(intAttribute(node, 'axis', -1), dims.length);
  const given = c.convert(c.input(0), 'i32');
  const front = c.select(
    c.compare('LT', given, c.scalar(0, 'i32')),
    c.add(given, c.scalar(depth, 'i32')),
    given,
  );
  const spread = c.spread(
    front,
    dims,
    range(dims.length).filter((i) => i !== axis),
  );
  const values = c.input(2);
  const [off, on] = [0, 1].map((i) => c.reshape(c.part(values, 0, i, i + 1), []));
  return c.select(c.compare('EQ', spread, c.iota(dims, axis)), on, off);
};

/** The shape is known here, so the operator is one value, repeated. */
const constantOfShape: Lower = (node, c) => {
  const tensor = attribute(node, 'value')?.t;
  const dtype = c.inner(c.dtype(node.outputs[0]));
  const value = !tensor ? 0 : dtype === 'f32' ? floatValues(tensor)[0] : intValues(tensor)[0];
  return c.broadcast(c.scalar(value, dtype), c.dims(node.outputs[0]));
};

export const GATHER: Family = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
  OneHot: oneHot,
  ConstantOfShape: constantOfShape,
};
