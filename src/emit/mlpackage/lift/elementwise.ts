import { makeAttribute } from '../../../ir/graph.js';
import { castTo, onnxDtype } from './lifter.js';
import type { Lift, Lifts } from './types.js';

const rows = (pairs: string, make: (op: string) => Lift): Lifts =>
  Object.fromEntries(
    pairs
      .trim()
      .split(/\s+/)
      .map((pair) => {
        const [mil, onnx] = pair.split(':');
        return [mil, make(onnx)];
      }),
  );

const binary =
  (op: string): Lift =>
  (o, l) =>
    l.finish(o, op, [l.input(o, 'x'), l.input(o, 'y')]);
const unary =
  (op: string): Lift =>
  (o, l) =>
    l.finish(o, op, [l.input(o, 'x')]);
const alpha =
  (op: string): Lift =>
  (o, l) =>
    l.finish(o, op, [l.input(o, 'x')], [makeAttribute.float('alpha', l.number(o, 'alpha'))]);

/** One slope a channel stands on axis 1. */
const prelu: Lift = (o, l) => {
  const rank = l.dims(o, 'x').length;
  const slope = l.step('Reshape', [l.input(o, 'alpha'), l.shape([-1, ...Array<number>(rank - 2).fill(1)])]);
  l.finish(o, 'PRelu', [l.input(o, 'x'), slope]);
};

const GELU_MODES: Record<string, string> = { EXACT: 'none', TANH_APPROXIMATION: 'tanh' };

export const ELEMENTWISE: Lifts = {
  ...rows(
    `add:Add sub:Sub mul:Mul real_div:Div floor_div:Div pow:Pow mod:Mod maximum:Max minimum:Min equal:Equal
    greater:Greater greater_equal:GreaterOrEqual less:Less less_equal:LessOrEqual logical_and:And logical_or:Or
    logical_xor:Xor`,
    binary,
  ),
  ...rows(
    `abs:Abs sign:Sign floor:Floor ceil:Ceil round:Round exp:Exp sqrt:Sqrt sin:Sin cos:Cos tan:Tan asin:Asin acos:Acos
    atan:Atan sinh:Sinh cosh:Cosh atanh:Atanh erf:Erf logical_not:Not identity:Identity relu:Relu sigmoid:Sigmoid
    tanh:Tanh softplus:Softplus softsign:Softsign`,
    unary,
  ),
  ...rows('leaky_relu:LeakyRelu elu:Elu thresholded_relu:ThresholdedRelu', alpha),
  log: (o, l) => l.finish(o, 'Log', [l.step('Add', [l.input(o, 'x'), l.input(o, 'epsilon')])]),
  cast: (o, l) => l.finish(o, 'Cast', [l.input(o, 'x')], [castTo(onnxDtype(o.outputs[0].dtype))]),
  select: (o, l) => l.finish(o, 'Where', [l.input(o, 'cond'), l.input(o, 'a'), l.input(o, 'b')]),
  clip: (o, l) => l.finish(o, 'Clip', [l.input(o, 'x'), l.input(o, 'alpha'), l.input(o, 'beta')]),
  relu6: (o, l) => {
    const six = l.step('CastLike', [l.scalar64(6), l.input(o, 'x')]);
    const zero = l.step('CastLike', [l.scalar64(0), l.input(o, 'x')]);
    l.finish(o, 'Clip', [l.input(o, 'x'), zero, six]);
  },
  prelu,
  sigmoid_hard: (o, l) =>
    l.finish(
      o,
      'HardSigmoid',
      [l.input(o, 'x')],
      ['alpha', 'beta'].map((name) => makeAttribute.float(name, l.number(o, name))),
    ),
  gelu: (o, l) =>
    l.finish(
      o,
      'Gelu',
      [l.input(o, 'x')],
      [makeAttribute.string('approximate', GELU_MODES[l.text(o, 'mode')])],
    ),
  softmax: (o, l) =>
    l.finish(o, 'Softmax', [l.input(o, 'x')], [makeAttribute.int('axis', l.number(o, 'axis'))]),
};
