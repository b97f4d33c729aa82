import { attribute, intAttribute, stringAttribute } from '../../../ir/graph.js';
import { floatValues, intValues } from '../../../ir/tensor.js';
import { axisOf, type Context } from '../context.js';
import { flag, int, ints, text } from '../literal.js';
import type { Var } from '../program.js';
import { sliced } from './movement.js';
import type { Family, Lower } from './types.js';

/** Indices count from the front: constants are rewritten, computed ones wrapped (mod takes the sign of the size). */
function indices(c: Context, i: number, size: number): Var {
  const known = c.ints(i);
  if (known) {
    const dims = c.dims(c.node.inputs[i]);
    return c.literal(
      ints(
        known.map((v) => axisOf(v, size)),
        dims,
      ),
    );
  }
  const x = c.input(i);
  return c.op('mod', { x, y: int(size) }, x.dims);
}

/** One fixed index is a slice, which the Neural Engine does; others are a look-up, which it does not. */
const gather: Lower = (node, c) => {
  const x = c.input(0);
  const axis = axisOf(intAttribute(node, 'axis', 0), x.dims.length);
  const dims = c.dims(node.outputs[0]);
  const known = c.ints(1);
  if (known?.length === 1 && c.dims(node.inputs[1]).length === 0) {
    const at = axisOf(known[0], x.dims[axis]);
    const begin = x.dims.map((_, i) => (i === axis ? at : 0));
    const end = x.dims.map((d, i) => (i === axis ? at + 1 : d));
    return sliced(c, x, { begin, end, drop: x.dims.map((_, i) => i === axis) }, dims);
  }
  if (x.dtype === 'bool') return c.refuse('Core ML looks up no bools');
  const inputs = {
    x,
    indices: indices(c, 1, x.dims[axis]),
    axis: int(axis),
    batch_dims: int(0),
    validate_indices: flag(false),
  };
  return c.op('gather', inputs, dims);
};

/** Core ML wants the other axes whole, where ONNX lets the indices cover a part. */
function alongAxis(c: Context, dims: number[]): number {
  const axis = axisOf(intAttribute(c.node, 'axis', 0), dims.length);
  const covered = c.dims(c.node.inputs[1]).every((d, i) => i === axis || d === dims[i]);
  return covered ? axis : c.refuse('its indices cover only a part of the other axes');
}

const gatherElements: Lower = (node, c) => {
  const x = c.input(0);
  const axis = alongAxis(c, x.dims);
  const inputs = { x, indices: indices(c, 1, x.dims[axis]), axis: int(axis), validate_indices: flag(false) };
  return c.op('gather_along_axis', inputs, c.dims(node.outputs[0]));
};

/** The last axis lists an index for each axis of x behind the first `batch` ones. */
function vectors(c: Context, dims: readonly number[], batch: number): Var {
  const known = c.ints(1);
  if (!known?.some((v) => v < 0)) return c.input(1);
  const shape = c.dims(c.node.inputs[1]);
  const [width] = shape.slice(-1);
  return c.literal(
    ints(
      known.map((v, i) => axisOf(v, dims[batch + (i % width)])),
      shape,
    ),
  );
}

const gatherNd: Lower = (node, c) => {
  const x = c.input(0);
  const batch = intAttribute(node, 'batch_dims', 0);
  const inputs = {
    x,
    indices: vectors(c, x.dims, batch),
    batch_dims: int(batch),
    validate_indices: flag(false),
  };
  return c.op('gather_nd', inputs, c.dims(node.outputs[0]));
};

const MODES: Record<string, string> = { none: 'update', add: 'add', mul: 'mul', min: 'min', max: 'max' };

const mode = (c: Context) =>
  text(MODES[stringAttribute(c.node, 'reduction', 'none')] ?? c.refuse('its reduction is unknown'));

const scatterElements: Lower = (_, c) => {
  const data = c.input(0);
  const axis = alongAxis(c, data.dims);
  const inputs = {
    data,
    indices: indices(c, 1, data.dims[axis]),
    updates: c.input(2),
    axis: int(axis),
    mode: mode(c),
    validate_indices: flag(false),
  };
  return c.op('scatter_along_axis', inputs, data.dims);
};

const scatterNd: Lower = (_, c) => {
  const data = c.input(0);
  const inputs = {
    data,
    indices: vectors(c, data.dims, 0),
    updates: c.input(2),
    mode: mode(c),
    validate_indices: flag(false),
  };
  return c.op('scatter_nd', inputs, data.dims);
};

const oneHot: Lower = (node, c) => {
  const depth = c.ints(1)?.[0] ?? c.floats(node.inputs[1])?.[0] ?? c.refuse('its depth is computed');
  const pair = c.floats(node.inputs[2]) ?? c.ints(2) ?? c.refuse('its values are computed');
  const dims = c.dims(node.outputs[0]);
  const dtype = c.milType(c.dtype(node.outputs[0]));
  if (dtype === 'bool') return c.refuse('its values are bools');
  const value = (v: number) => (dtype === 'int32' ? int(v) : c.number(v));
  const indices32 = c.cast(c.input(0), 'int32');
  const inputs = {
    indices: c.op('mod', { x: indices32, y: int(depth) }, indices32.dims),
    one_hot_vector_size: int(depth),
    axis: int(axisOf(intAttribute(node, 'axis', -1), dims.length)),
    on_value: value(pair[1]),
    off_value: value(pair[0]),
  };
  return c.op('one_hot', inputs, dims, dtype);
};

/** The shape is known here, so the operator is one value, repeated. */
const constantOfShape: Lower = (node, c) => {
  const dims = c.dims(node.outputs[0]);
  const tensor = attribute(node, 'value')?.t;
  const dtype = c.milType(c.dtype(node.outputs[0]));
  if (dtype === 'bool') return c.refuse('it makes bools');
  const value =
    dtype === 'int32'
      ? int(tensor ? intValues(tensor)[0] : 0)
      : c.number(tensor ? floatValues(tensor)[0] : 0);
  return c.op('fill', { shape: ints(dims), value }, dims, dtype);
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
