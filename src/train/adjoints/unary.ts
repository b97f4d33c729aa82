import { floatAttribute, stringAttribute } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';
import type { Builder } from '../builder.js';
import { gradientOf } from './common.js';
import type { Adjoint, Family } from './types.js';

/** dL/dx of y = f(x) from x, y and dL/dy. */
type Rule = (b: Builder, v: { x: string; y: string; g: string; node: Node }) => string;

const unary = (op: string, rule: Rule): Adjoint => ({
  op,
  back: (step) => {
    const { b, node } = step;
    return [rule(b, { x: node.inputs[0], y: node.outputs[0], g: gradientOf(step), node })];
  },
});

/** g where x lies strictly between the bounds. */
const between = (b: Builder, x: string, low: number, high: number, g: string): string =>
  b.where(b.both(b.less(b.number(low), x), b.less(x, b.number(high))), g);

/** g·y·(1 − y) of y = 1/(1 + e^−x) */
const sigmoidSlope = (b: Builder, y: string, g: string): string => b.mul(g, b.mul(y, b.sub(b.number(1), y)));

/** φ(x), the density of the normal distribution. */
const density = (b: Builder, x: string): string =>
  b.scale(b.op('Exp', [b.scale(b.mul(x, x), -0.5)]), 1 / Math.sqrt(2 * Math.PI));

const cubic = 0.044715;
const rootTwoOverPi = Math.sqrt(2 / Math.PI);

/** Φ(x) + x·φ(x), or the slope of the tanh form: ½(1 + t) + ½x(1 − t²)·√(2/π)(1 + 3·0.044715·x²) */
const gelu: Rule = (b, { x, g, node }) => {
  const one = b.number(1);
  if (stringAttribute(node, 'approximate', 'none') === 'none') {
    const half = b.op('Erf', [b.scale(x, Math.SQRT1_2)]);
    const phi = b.scale(b.add(half, one), 0.5);
    return b.mul(g, b.add(phi, b.mul(x, density(b, x))));
  }
  const square = b.mul(x, x);
  const inner = b.mul(b.scale(x, rootTwoOverPi), b.add(one, b.scale(square, cubic)));
  const t = b.op('Tanh', [inner]);
  const slope = b.scale(b.add(one, b.scale(square, 3 * cubic)), rootTwoOverPi);
  const rest = b.mul(b.mul(x, b.sub(one, b.mul(t, t))), slope);
  return b.mul(g, b.scale(b.add(b.add(one, t), rest), 0.5));
};

/** x·clip(x/6 + ½, 0, 1): 0 below −3, 1 above 3, x/3 + ½ between. */
const hardSwish: Rule = (b, { x, g }) => {
  const middle = b.mul(g, b.add(b.scale(x, 1 / 3), b.number(0.5)));
  const upper = b.op('Where', [b.less(x, b.number(3)), middle, g]);
  return b.where(b.less(b.number(-3), x), upper);
};

/** The slope is `alpha` (times e^x for ELU and its kind) where x < 0. */
const below = (b: Builder, x: string, g: string, slope: string): string =>
  b.op('Where', [b.less(x, b.number(0)), b.mul(g, slope), g]);

export const unaryFamily: Family = [
  unary('Identity', (_, { g }) => g),
  unary('Dropout', (_, { g }) => g),
  unary('Neg', (b, { g }) => b.neg(g)),
  unary('Abs', (b, { x, g }) => b.mul(g, b.op('Sign', [x]))),
  unary('Relu', (b, { y, g }) => b.where(b.less(b.number(0), y), g)),
  unary('LeakyRelu', (b, { x, g, node }) => below(b, x, g, b.number(floatAttribute(node, 'alpha', 0.01)))),
  unary('Elu', (b, { x, y, g, node }) =>
    below(b, x, g, b.add(y, b.number(floatAttribute(node, 'alpha', 1)))),
  ),
  unary('Exp', (b, { y, g }) => b.mul(g, y)),
  unary('Log', (b, { x, g }) => b.div(g, x)),
  unary('Sqrt', (b, { y, g }) => b.div(b.scale(g, 0.5), y)),
  unary('Reciprocal', (b, { y, g }) => b.neg(b.mul(g, b.mul(y, y)))),
  unary('Sin', (b, { x, g }) => b.mul(g, b.op('Cos', [x]))),
  unary('Cos', (b, { x, g }) => b.neg(b.mul(g, b.op('Sin', [x])))),
  unary('Sigmoid', (b, { y, g }) => sigmoidSlope(b, y, g)),
  unary('Tanh', (b, { y, g }) => b.mul(g, b.sub(b.number(1), b.mul(y, y)))),
  unary('Softplus', (b, { x, g }) => b.mul(g, b.op('Sigmoid', [x]))),
  unary('Erf', (b, { x, g }) => b.mul(g, b.scale(b.op('Exp', [b.neg(b.mul(x, x))]), 2 / Math.sqrt(Math.PI)))),
  unary('Gelu', gelu),
  unary('HardSwish', hardSwish),
  unary('HardSigmoid', (b, { x, g, node }) => {
    const [alpha, beta] = [floatAttribute(node, 'alpha', 0.2), floatAttribute(node, 'beta', 0.5)];
    return between(b, x, -beta / alpha, (1 - beta) / alpha, b.scale(g, alpha));
  }),
];
