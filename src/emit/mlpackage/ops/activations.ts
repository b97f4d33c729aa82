import { floatAttribute, intAttribute, stringAttribute } from '../../../ir/graph.js';
import type { Context } from '../context.js';
import { axisOf } from '../context.js';
import { floats, HALF_MAX, int, text } from '../literal.js';
import type { Var } from '../program.js';
import type { Family, Lower } from './types.js';

const plain =
  (type: string): Lower =>
  (_, c) => {
    const x = c.input(0);
    return c.op(type, { x }, x.dims);
  };

/** One parameter of the same name in both worlds. */
const withAlpha =
  (type: string, otherwise: number): Lower =>
  (node, c) => {
    const x = c.input(0);
    return c.op(type, { x, alpha: c.number(floatAttribute(node, 'alpha', otherwise)) }, x.dims);
  };

const hardSigmoid = (c: Context, x: Var, alpha: number, beta: number): Var =>
  c.op('sigmoid_hard', { x, alpha: c.number(alpha), beta: c.number(beta) }, x.dims);

const multiply = (c: Context, x: Var, y: Var): Var => c.op('mul', { x, y }, x.dims);

/** Bounds may be computed; then, and for integers, they are a minimum and a maximum. */
const clip: Lower = (node, c) => {
  const x = c.input(0);
  const bound = (i: number, none: number) => (node.inputs[i] ? c.floats(node.inputs[i])?.[0] : none);
  const [low, high] = [bound(1, -Infinity), bound(2, Infinity)];
  if (x.dtype === 'int32' || low === undefined || high === undefined) return clipComputed(c, x);
  if (low === 0 && high === 6) return c.op('relu6', { x }, x.dims);
  if (low === 0 && high === Infinity) return c.op('relu', { x }, x.dims);
  const most = c.float === 'fp16' ? HALF_MAX : 3.4028234663852886e38;
  const held = (v: number) => floats(c.float, [Math.min(Math.max(v, -most), most)], []);
  return c.op('clip', { x, alpha: held(low), beta: held(high) }, x.dims);
};

function clipComputed(c: Context, x: Var): Var {
  const { inputs } = c.node;
  const above = inputs[1] ? c.op('maximum', { x, y: c.input(1) }, x.dims) : x;
  return inputs[2] ? c.op('minimum', { x: above, y: c.input(2) }, x.dims) : above;
}

/** prelu takes one slope a channel on axis 1 of 3 to 5 axes; other slopes: relu(x) − slope · relu(−x). */
const prelu: Lower = (node, c) => {
  const x = c.input(0);
  const rank = x.dims.length;
  const slope = c.floats(node.inputs[1]);
  const shape = [...Array<number>(rank).fill(1), ...c.dims(node.inputs[1])].slice(-rank);
  const channels = x.dims[1];
  const perChannel = shape.every((d, axis) => d === 1 || (axis === 1 && d === channels));
  if (slope && perChannel && rank >= 3) {
    const alpha = slope.length === 1 ? new Float32Array(channels).fill(slope[0]) : slope;
    return c.op('prelu', { x, alpha: floats(c.float, alpha, [channels]) }, x.dims);
  }
  const negative = c.op('relu', { x: c.op('mul', { x, y: c.number(-1) }, x.dims) }, x.dims);
  const leak = c.op('mul', { x: negative, y: c.input(1) }, x.dims);
  return c.op('sub', { x: c.op('relu', { x }, x.dims), y: leak }, x.dims);
};

const selu: Lower = (node, c) => {
  const x = c.input(0);
  const alpha = floatAttribute(node, 'alpha', 1.6732631921768188);
  const gamma = floatAttribute(node, 'gamma', 1.0507010221481323);
  const elu = c.op('elu', { x, alpha: c.number(alpha) }, x.dims);
  return c.op('mul', { x: elu, y: c.number(gamma) }, x.dims);
};

const softmax: Lower = (node, c) => {
  const x = c.input(0);
  const axis = axisOf(intAttribute(node, 'axis', -1), x.dims.length);
  return c.op('softmax', { x, axis: int(axis) }, x.dims);
};

/** x − log Σ exp x. */
const logSoftmax: Lower = (node, c) => {
  const x = c.input(0);
  const axis = axisOf(intAttribute(node, 'axis', -1), x.dims.length);
  const sum = c.reduce('reduce_log_sum_exp', x, [axis], true);
  return c.op('sub', { x, y: sum }, x.dims);
};

const gelu: Lower = (node, c) => {
  const x = c.input(0);
  const tanh = stringAttribute(node, 'approximate', 'none') === 'tanh';
  return c.op('gelu', { x, mode: text(tanh ? 'TANH_APPROXIMATION' : 'EXACT') }, x.dims);
};

export const ACTIVATIONS: Family = {
  Relu: plain('relu'),
  Sigmoid: plain('sigmoid'),
  Tanh: plain('tanh'),
  Softplus: plain('softplus'),
  Softsign: plain('softsign'),
  Clip: clip,
  LeakyRelu: withAlpha('leaky_relu', 0.01),
  Elu: withAlpha('elu', 1),
  ThresholdedRelu: withAlpha('thresholded_relu', 1),
  PRelu: prelu,
  Selu: selu,
  HardSigmoid: (node, c) =>
    hardSigmoid(c, c.input(0), floatAttribute(node, 'alpha', 0.2), floatAttribute(node, 'beta', 0.5)),
  HardSwish: (_, c) => multiply(c, c.input(0), hardSigmoid(c, c.input(0), 1 / 6, 0.5)),
  Mish: (_, c) => {
    const x = c.input(0);
    return multiply(c, x, c.op('tanh', { x: c.op('softplus', { x }, x.dims) }, x.dims));
  },
  Gelu: gelu,
  Softmax: softmax,
  LogSoftmax: logSoftmax,
};
