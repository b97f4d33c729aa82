import { makeSavedModel, type SavedModel } from '../../../src/emit/savedmodel/index.js';
import type { Model } from '../../../src/ir/model.js';
import { specialize } from '../../../src/prepare/index.js';
import type { TensorValue } from '../../../src/runtime/types.js';
import { buildModel, type Case, int64s, node, random, tensor } from '../../prepare/opset/build.js';

/** A model whose input `a` has an open first axis; its output's is `rows` times the batch. */
export interface Open extends Omit<Case, 'inputs' | 'opset'> {
  input(batch: number): TensorValue;
  rows: number;
}

const codes = Array.from({ length: 36 }, (_, i) => ((i * 37) % 255) - 127);

export const OPEN: readonly Open[] = [
  {
    name: 'convolution of codes, pool, product, softmax',
    input: (batch) => random(batch, 2, 6, 6),
    rows: 1,
    nodes: [
      node('QuantizeLinear', 'a s z', 'q'),
      node('DequantizeLinear', 'q s z', 'x'),
      node('DequantizeLinear', 'w ws', 'wd'),
      node('Conv', 'x wd', 'c', { pads: [1, 1, 1, 1] }),
      node('Relu', 'c', 'r'),
      node('MaxPool', 'r', 'p', { kernel_shape: [2, 2], strides: [2, 2] }),
      node('Flatten', 'p', 'f'),
      node('MatMul', 'f m', 'l'),
      node('Softmax', 'l', 'y', { axis: 1 }),
    ],
    constants: {
      s: tensor([], [2 ** -5]),
      z: tensor([], [3], 'int8'),
      w: tensor([2, 2, 3, 3], codes, 'int8'),
      ws: tensor([], [2 ** -9]),
      m: random(18, 5),
    },
  },
  {
    name: 'attention: transposes, products of values, slices, look-ups',
    input: (batch) => random(batch, 4, 6),
    rows: 1,
    nodes: [
      node('Transpose', 'a', 't', { perm: [0, 2, 1] }),
      node('MatMul', 'a t', 'scores'),
      node('Softmax', 'scores', 'p', { axis: -1 }),
      node('MatMul', 'p a', 'v'),
      node('Slice', 'v from to axis', 'half'),
      node('Gather', 'half places', 'g', { axis: 1 }),
      node('ReduceMean', 'g', 'mean', { axes: [1], keepdims: 1 }),
      node('Concat', 'g mean', 'j', { axis: 1 }),
      node('Pad', 'j pads', 'y'),
    ],
    constants: {
      from: int64s(1),
      to: int64s(5),
      axis: int64s(2),
      places: int64s(3, 0, -2),
      pads: int64s(0, 1, 0, 0, 0, 2),
    },
  },
  {
    name: 'a class token and a factor that the batch repeats',
    input: (batch) => random(batch, 4, 12),
    rows: 1,
    nodes: [
      node('Shape', 'a', 's'),
      node('Slice', 's zero one', 'batch'),
      node('Concat', 'batch one twelve', 'tokens', { axis: 0 }),
      node('Expand', 'token tokens', 't'),
      node('Concat', 't a', 'j', { axis: 1 }),
      node('Concat', 'batch one one', 'factors', { axis: 0 }),
      node('Expand', 'factor factors', 'f'),
      node('Mul', 'j f', 'y'),
    ],
    constants: {
      zero: int64s(0),
      one: int64s(1),
      twelve: int64s(12),
      token: random(1, 1, 12),
      factor: tensor([1], [1.5]),
    },
  },
  {
    name: 'rows of the batch',
    input: (batch) => random(batch, 2, 3),
    rows: 2,
    nodes: [
      node('Reshape', 'a shape', 'r'),
      node('ArgMax', 'r', 'i', { axis: 1 }),
      node('Cast', 'i', 'y', { to: 1 }),
    ],
    constants: { shape: int64s(-1, 3) },
  },
];

/** The model with its first axis called "batch". */
export function openModel(c: Open): Model {
  const model = buildModel({ ...c, opset: 16, inputs: { a: c.input(1) } });
  model.graph.inputs[0].type!.tensor!.shape!.dims[0] = { param: 'batch' };
  return model;
}

export async function openPackage(c: Open): Promise<SavedModel> {
  const sized = (batch: number) => specialize(openModel(c), { a: [batch, ...c.input(1).dims.slice(1)] });
  const one = await sized(1);
  return makeSavedModel(one.model, one.types, { compute: 'f32', batches: [await sized(7), await sized(11)] });
}
