import { floatAttribute, intAttribute, stringAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { axisOf, type Context } from '../context.js';
import type { Value } from '../program.js';
import type { Family, Lower } from './types.js';

const of =
  (make: (x: Value, c: Context, node: Node) => Value): Lower =>
  (node, c) =>
    make(c.input(0), c, node);

/** A parameter of the same name, with ONNX's default. */
const alpha = (node: Node, c: Context, otherwise: number): Value =>
  c.scalar(floatAttribute(node, 'alpha', otherwise));

const relu = (x: Value, c: Context): Value => c.maximum(x, c.like(x, 0));
const isPositive = (x: Value, c: Context): Value => c.compare('GT', x, c.scalar(0));
/** log(1 + eˣ) without overflow: max(x, 0) + log(1 + e^−|x|). */
const softplus = (x: Value, c: Context): Value =>
  c.add(relu(x, c), c.unary('log_plus_one', c.unary('exponential', c.unary('negate', c.unary('abs', x)))));
const expMinusOne = (x: Value, c: Context): Value => c.unary('exponential_minus_one', x);

const hardSigmoid = (x: Value, c: Context, slope: number, offset: number): Value =>
  c.clamp(c.scalar(0), c.add(c.multiply(x, c.scalar(slope)), c.scalar(offset)), c.scalar(1));

const elu = (x: Value, c: Context, by: Value): Value =>
  c.select(isPositive(x, c), x, c.multiply(expMinusOne(x, c), by));

/** Bounds may be computed, or absent. */
const clip: Lower = (_, c) => {
  const x = c.input(0);
  const above = c.has(1) ? c.maximum(x, c.input(1)) : x;
  return c.has(2) ? c.minimum(above, c.input(2)) : above;
};

/** x − max, so that no exponential overflows. */
function shifted(node: Node, c: Context): { x: Value; axis: number } {
  const x = c.input(0);
  const axis = axisOf(intAttribute(node, 'axis', -1), x.dims.length);
  return { x: c.subtract(x, c.reduce('maximum', x, [axis], true)), axis };
}

const softmax: Lower = (node, c) => {
  const { x, axis } = shifted(node, c);
  const powers = c.unary('exponential', x);
  return c.divide(powers, c.reduce('add', powers, [axis], true));
};

const logSoftmax: Lower = (node, c) => {
  const { x, axis } = shifted(node, c);
  return c.subtract(x, c.unary('log', c.reduce('add', c.unary('exponential', x), [axis], true)));
};

const gelu = (x: Value, c: Context, node: Node): Value => {
  const half = c.multiply(x, c.scalar(0.5));
  const one = c.scalar(1);
  if (stringAttribute(node, 'approximate', 'none') !== 'tanh')
    return c.multiply(half, c.add(one, c.unary('chlo.erf', c.multiply(x, c.scalar(Math.SQRT1_2)))));
  const cube = c.multiply(c.multiply(x, x), x);
  const inner = c.add(x, c.multiply(cube, c.scalar(0.044715)));
  return c.multiply(half, c.add(one, c.unary('tanh', c.multiply(inner, c.scalar(Math.sqrt(2 / Math.PI))))));
};

const selu = (x: Value, c: Context, node: Node): Value =>
  c.multiply(
    elu(x, c, alpha(node, c, 1.6732631921768188)),
    c.scalar(floatAttribute(node, 'gamma', 1.0507010221481323)),
  );

export const ACTIVATIONS: Family = {
  Relu: of(relu),
  Sigmoid: of((x, c) => c.unary('logistic', x)),
  Tanh: of((x, c) => c.unary('tanh', x)),
  Softplus: of(softplus),
  Softsign: of((x, c) => c.divide(x, c.add(c.scalar(1), c.unary('abs', x)))),
  Clip: clip,
  LeakyRelu: of((x, c, node) => c.select(isPositive(x, c), x, c.multiply(x, alpha(node, c, 0.01)))),
  Elu: of((x, c, node) => elu(x, c, alpha(node, c, 1))),
  Celu: of((x, c, node) => celu(x, c, alpha(node, c, 1))),
  ThresholdedRelu: of((x, c, node) => c.select(c.compare('GT', x, alpha(node, c, 1)), x, c.scalar(0))),
  PRelu: (_, c) => {
    const x = c.input(0);
    return c.select(isPositive(x, c), x, c.multiply(x, c.input(1)));
  },
  Selu: of(selu),
  HardSigmoid: of((x, c, node) =>
    hardSigmoid(x, c, floatAttribute(node, 'alpha', 0.2), floatAttribute(node, 'beta', 0.5)),
  ),
  HardSwish: of((x, c) => c.multiply(x, hardSigmoid(x, c, 1 / 6, 0.5))),
  Mish: of((x, c) => c.multiply(x, c.unary('tanh', softplus(x, c)))),
  Gelu: of(gelu),
  Softmax: softmax,
  LogSoftmax: logSoftmax,
};

/** max(x, 0) + min(α · (e^(x/α) − 1), 0). */
function celu(x: Value, c: Context, by: Value): Value {
  const low = c.multiply(by, expMinusOne(c.divide(x, by), c));
  return c.add(relu(x, c), c.minimum(low, c.scalar(0)));
}
