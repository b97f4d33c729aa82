import { dtypeNumber } from '../../ir/dtypes.js';
import { makeAttribute } from '../../ir/graph.js';
import { elementCount, floatValues } from '../../ir/tensor.js';
import { gradientOf, needsConstants, unbroadcast } from './common.js';
import type { Adjoint, Family, Step } from './types.js';

type Value = (step: Step, g: string, a: string, c: string, y: string) => string;

/** y = f(a, c) with broadcasting: the gradient by each, before what was repeated is summed. */
const binary = (op: string, byA: Value, byC: Value): Adjoint => ({
  op,
  back: (step) => {
    const { b, node, dims, wants } = step;
    const [a, c] = node.inputs;
    const [y] = node.outputs;
    return [byA, byC].map((rule, i) =>
      wants(i)
        ? unbroadcast(b, rule(step, gradientOf(step), a, c, y), dims(y), dims(node.inputs[i]))
        : undefined,
    );
  },
});

/** Max, Min, Sum, Mean of any number of inputs. */
const many = (op: string, share: (step: Step, input: string) => string): Adjoint => ({
  op,
  back: (step) => {
    const { b, node, dims, wants } = step;
    return node.inputs.map((input, i) =>
      wants(i) ? unbroadcast(b, share(step, input), dims(node.outputs[0]), dims(input)) : undefined,
    );
  },
});

/** Where the input is the value that was taken; equal inputs share. */
const taken = (step: Step, input: string): string => {
  const { b, node } = step;
  const hits = node.inputs.map((x) => b.op('Cast', [b.op('Equal', [x, node.outputs[0]])], [castTo(b.real)]));
  const count = hits.reduce(b.add);
  return b.mul(gradientOf(step), b.div(hits[node.inputs.indexOf(input)], count));
};

const castTo = (real: 'float32' | 'float64') => makeAttribute.int('to', dtypeNumber(real));

/** c·x^(c − 1); the exponent is a constant. */
const pow: Adjoint = {
  op: 'Pow',
  refuses: needsConstants(1),
  back: (step) => {
    const { b, node, dims, constant } = step;
    const [x, exponent] = node.inputs;
    const tensor = constant(exponent)!;
    const values = floatValues(tensor);
    const g = gradientOf(step);
    const single = elementCount(tensor.dims) === 1;
    if (single && values[0] === 2) return [b.mul(g, b.scale(x, 2))];
    const [c, less] = [values, values.map((v) => v - 1)].map((v) => b.reals(v, tensor.dims));
    const slope = b.mul(c, b.op('Pow', [x, less]));
    return [unbroadcast(b, b.mul(g, slope), dims(node.outputs[0]), dims(x))];
  },
};

/** y = min(max(x, low), high): g where x lies inside, which y tells, too: x need not be kept, and cutting joins what made x. */
const clip: Adjoint = {
  op: 'Clip',
  back: (step) => {
    const { b, node } = step;
    const [, low, high] = node.inputs;
    const [y] = node.outputs;
    const inside = [...(low ? [b.less(low, y)] : []), ...(high ? [b.less(y, high)] : [])];
    return [inside.length ? b.where(inside.reduce(b.both), gradientOf(step)) : gradientOf(step)];
  },
};

const prelu: Adjoint = {
  op: 'PRelu',
  back: (step) => {
    const { b, node, dims, wants } = step;
    const [x, slope] = node.inputs;
    const g = gradientOf(step);
    const negative = b.less(x, b.number(0));
    return [
      wants(0) ? b.op('Where', [negative, b.mul(g, slope), g]) : undefined,
      wants(1) ? unbroadcast(b, b.where(negative, b.mul(g, x)), dims(x), dims(slope)) : undefined,
    ];
  },
};

const where: Adjoint = {
  op: 'Where',
  back: (step) => {
    const { b, node, dims, wants } = step;
    const [condition] = node.inputs;
    const g = gradientOf(step);
    const parts = [b.where(condition, g), b.op('Where', [condition, b.number(0), g])];
    const back = (part: string, i: number) =>
      wants(i + 1) ? unbroadcast(b, part, dims(node.outputs[0]), dims(node.inputs[i + 1])) : undefined;
    return [undefined, ...parts.map(back)];
  },
};

export const binaryFamily: Family = [
  binary(
    'Add',
    (_, g) => g,
    (_, g) => g,
  ),
  binary(
    'Sub',
    (_, g) => g,
    ({ b }, g) => b.neg(g),
  ),
  binary(
    'Mul',
    ({ b }, g, _, c) => b.mul(g, c),
    ({ b }, g, a) => b.mul(g, a),
  ),
  binary(
    'Div',
    ({ b }, g, _, c) => b.div(g, c),
    ({ b }, g, _, c, y) => b.neg(b.mul(g, b.div(y, c))),
  ),
  many('Sum', gradientOf),
  many('Mean', (step) => step.b.scale(gradientOf(step), 1 / step.node.inputs.length)),
  many('Max', taken),
  many('Min', taken),
  pow,
  clip,
  prelu,
  where,
];
