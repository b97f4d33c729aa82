import { floatAttribute, intAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { elementCount } from '../../../ir/tensor.js';
import { range } from '../builder.js';
import { axisOf, type Context } from '../context.js';
import type { Value } from '../program.js';
import { reduceWindow } from './pool.js';
import type { Family, Lower } from './types.js';

const epsilon = (node: Node, c: Context): Value => c.scalar(floatAttribute(node, 'epsilon', 1e-5));

/** One value a channel, for axis 1 of x. */
const perChannel = (c: Context, v: Value, rank: number): Value =>
  c.reshape(v, [v.dims[0], ...Array<number>(Math.max(rank - 2, 0)).fill(1)]);

/** (x − mean) / √(variance + ε), both over `axes`. */
function normalise(c: Context, x: Value, axes: number[], e: Value) {
  const count = c.scalar(elementCount(axes.map((a) => x.dims[a])));
  const mean = c.divide(c.reduce('add', x, axes, true), count);
  const apart = c.subtract(x, mean);
  const variance = c.divide(c.reduce('add', c.multiply(apart, apart), axes, true), count);
  const inverse = c.divide(c.scalar(1), c.unary('sqrt', c.add(variance, e)));
  return { normal: c.multiply(apart, inverse), mean, inverse };
}

/** γ (x − mean) / √(variance + ε) + β, as one factor and one offset a channel where all are constants. */
const batchNorm: Lower = (node, c) => {
  if (node.outputs.slice(1).some(Boolean)) return c.refuse('it is in training mode');
  const x = c.input(0);
  const known = [1, 2, 3, 4].map((i) => c.floats(node.inputs[i]));
  const e = floatAttribute(node, 'epsilon', 1e-5);
  if (known.every((v) => v !== undefined)) {
    const [gamma, beta, mean, variance] = known;
    const factor = gamma.map((g, i) => g / Math.sqrt(variance[i] + e));
    const offset = beta.map((b, i) => b - mean[i] * factor[i]);
    const vector = (values: Float32Array) =>
      perChannel(c, c.constant('f32', [values.length], values), x.dims.length);
    return c.add(c.multiply(x, vector(factor)), vector(offset));
  }
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => perChannel(c, c.input(i), x.dims.length));
  const factor = c.divide(gamma, c.unary('sqrt', c.add(variance, c.scalar(e))));
  return c.add(c.multiply(c.subtract(x, mean), factor), beta);
};

const instanceNorm: Lower = (node, c) => {
  const x = c.input(0);
  const { normal } = normalise(c, x, range(x.dims.length, 2), epsilon(node, c));
  const [scale, bias] = [1, 2].map((i) => perChannel(c, c.input(i), x.dims.length));
  return c.add(c.multiply(normal, scale), bias);
};

const layerNorm: Lower = (node, c) => {
  const x = c.input(0);
  const axes = range(x.dims.length, axisOf(intAttribute(node, 'axis', -1), x.dims.length));
  const { normal, mean, inverse } = normalise(c, x, axes, epsilon(node, c));
  const scaled = c.multiply(normal, c.input(1));
  return [c.has(2) ? c.add(scaled, c.input(2)) : scaled, mean, inverse];
};

const rmsNorm: Lower = (node, c) => {
  const x = c.input(0);
  const axes = range(x.dims.length, axisOf(intAttribute(node, 'axis', -1), x.dims.length));
  const count = c.scalar(elementCount(axes.map((a) => x.dims[a])));
  const mean = c.divide(c.reduce('add', c.multiply(x, x), axes, true), count);
  return c.multiply(c.divide(x, c.unary('sqrt', c.add(mean, epsilon(node, c)))), c.input(1));
};

/** Over each group of channels; scale and bias are one a channel (one a group up to opset 18). */
const groupNorm: Lower = (node, c) => {
  const x = c.input(0);
  const [batch, channels] = x.dims;
  const groups = intAttribute(node, 'num_groups', 1);
  const grouped = c.reshape(x, [batch, groups, elementCount(x.dims) / batch / groups]);
  const { normal } = normalise(c, grouped, [2], epsilon(node, c));
  const parameter = (v: Value) => {
    const [count] = v.dims;
    const each = c.reshape(c.broadcast(c.reshape(v, [count, 1]), [count, channels / count]), [channels]);
    return perChannel(c, each, x.dims.length);
  };
  return c.add(c.multiply(c.reshape(normal, x.dims), parameter(c.input(1))), parameter(c.input(2)));
};

/** x / (k + α/n · Σ x²)^β over n neighbouring channels. */
const localResponse: Lower = (node, c) => {
  const x = c.input(0);
  const size = intAttribute(node, 'size', 1);
  const before = Math.floor((size - 1) / 2);
  const along = (value: number, otherwise: number) => x.dims.map((_, i) => (i === 1 ? value : otherwise));
  const window = {
    kernel: along(size, 1),
    strides: along(1, 1),
    dilations: along(1, 1),
    begin: along(before, 0),
    end: along(size - 1 - before, 0),
  };
  const squares = reduceWindow(c, c.multiply(x, x), 'add', window, 0);
  const weighted = c.multiply(squares, c.scalar(floatAttribute(node, 'alpha', 1e-4) / size));
  const base = c.add(weighted, c.scalar(floatAttribute(node, 'bias', 1)));
  return c.divide(x, c.binary('power', base, c.scalar(floatAttribute(node, 'beta', 0.75))));
};

const lpNorm: Lower = (node, c) => {
  const x = c.input(0);
  const axis = axisOf(intAttribute(node, 'axis', -1), x.dims.length);
  const norm =
    intAttribute(node, 'p', 2) === 1
      ? c.reduce('add', c.unary('abs', x), [axis], true)
      : c.unary('sqrt', c.reduce('add', c.multiply(x, x), [axis], true));
  return c.divide(x, norm);
};

export const NORMALISATION: Family = {
  BatchNormalization: batchNorm,
  InstanceNormalization: instanceNorm,
  LayerNormalization: layerNorm,
  RMSNormalization: rmsNorm,
  GroupNormalization: groupNorm,
  LRN: localResponse,
  LpNormalization: lpNorm,
};
