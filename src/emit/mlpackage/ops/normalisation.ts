import { floatAttribute, intAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { elementCount } from '../../../ir/tensor.js';
import { axisOf, type Context, range } from '../context.js';
import { floats, int, ints } from '../literal.js';
import type { Literal, Var } from '../program.js';
import type { Family, Lower } from './types.js';

/** A constant vector, as Core ML's normalisations take their parameters. */
function vector(c: Context, i: number): Float32Array {
  return c.floats(c.node.inputs[i]) ?? c.refuse(`its input ${i} is computed, where Core ML takes a constant`);
}

const parameter = (c: Context, values: Float32Array, dims = [values.length]): Literal =>
  floats(c.float, values, dims);

const epsilon = (node: Node, c: Context) => c.number(floatAttribute(node, 'epsilon', 1e-5));

/** γ (x − mean) / √(variance + ε) + β; on matrices written out, as batch_norm wants 3 to 5 axes. */
const batchNorm: Lower = (node, c) => {
  const x = c.input(0);
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => vector(c, i));
  if (x.dims.length >= 3) {
    const inputs = {
      x,
      mean: parameter(c, mean),
      variance: parameter(c, variance),
      gamma: parameter(c, gamma),
      beta: parameter(c, beta),
      epsilon: epsilon(node, c),
    };
    return c.op('batch_norm', inputs, x.dims);
  }
  const e = floatAttribute(node, 'epsilon', 1e-5);
  const factor = gamma.map((g, i) => g / Math.sqrt(variance[i] + e));
  const offset = beta.map((b, i) => b - mean[i] * factor[i]);
  return affine(c, x, parameter(c, factor), parameter(c, offset));
};

const affine = (c: Context, x: Var, factor: Literal, offset: Literal): Var => {
  const scaled = c.op('mul', { x, y: factor }, x.dims);
  return c.op('add', { x: scaled, y: offset }, x.dims);
};

const instanceNorm: Lower = (node, c) => {
  const x = c.input(0);
  if (x.dims.length < 3 || x.dims.length > 4) return c.refuse('Core ML normalises instances of 3 or 4 axes');
  const inputs = {
    x,
    gamma: parameter(c, vector(c, 1)),
    beta: parameter(c, vector(c, 2)),
    epsilon: epsilon(node, c),
  };
  return c.op('instance_norm', inputs, x.dims);
};

const layerNorm: Lower = (node, c) => {
  if (node.outputs[1] || node.outputs[2]) return c.refuse('its mean or deviation is read');
  const x = c.input(0);
  const axes = range(x.dims.length, axisOf(intAttribute(node, 'axis', -1), x.dims.length));
  const shape = axes.map((a) => x.dims[a]);
  const spread = (values: Float32Array) =>
    values.length === 1 ? new Float32Array(elementCount(shape)).fill(values[0]) : values;
  const inputs = {
    x,
    axes: ints(axes),
    gamma: parameter(c, spread(vector(c, 1)), shape),
    beta: node.inputs[2] ? parameter(c, spread(vector(c, 2)), shape) : undefined,
    epsilon: epsilon(node, c),
  };
  return c.op('layer_norm', inputs, x.dims);
};

/** [N, C, …] → [N, G, rest], normalised over the rest, back, then scale and bias a channel (a group up to opset 18). */
const groupNorm: Lower = (node, c) => {
  const x = c.input(0);
  const [batch, channels] = x.dims;
  const groups = intAttribute(node, 'num_groups', 1);
  const grouped = c.reshape(x, [batch, groups, elementCount(x.dims) / batch / groups]);
  const normal = c.op('layer_norm', { x: grouped, axes: ints([2]), epsilon: epsilon(node, c) }, grouped.dims);
  const shape = [channels, ...x.dims.slice(2).map(() => 1)];
  const spread = (values: Float32Array) =>
    parameter(
      c,
      Float32Array.from({ length: channels }, (_, i) => values[Math.floor((i * values.length) / channels)]),
      shape,
    );
  return affine(c, c.reshape(normal, x.dims), spread(vector(c, 1)), spread(vector(c, 2)));
};

const localResponse: Lower = (node, c) => {
  const x = c.input(0);
  const inputs = {
    x,
    size: int(intAttribute(node, 'size', 1)),
    alpha: c.number(floatAttribute(node, 'alpha', 1e-4)),
    beta: c.number(floatAttribute(node, 'beta', 0.75)),
    k: c.number(floatAttribute(node, 'bias', 1)),
  };
  return c.op('local_response_norm', inputs, x.dims);
};

const lpNorm: Lower = (node, c) => {
  const x = c.input(0);
  const p = intAttribute(node, 'p', 2);
  const axis = axisOf(intAttribute(node, 'axis', -1), x.dims.length);
  const norm = c.reduce(p === 1 ? 'reduce_l1_norm' : 'reduce_l2_norm', x, [axis], true);
  return c.op('real_div', { x, y: norm }, x.dims);
};

export const NORMALISATION: Family = {
  BatchNormalization: batchNorm,
  InstanceNormalization: instanceNorm,
  LayerNormalization: layerNorm,
  GroupNormalization: groupNorm,
  LRN: localResponse,
  LpNormalization: lpNorm,
};
