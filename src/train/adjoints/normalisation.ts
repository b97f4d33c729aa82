import { floatAttribute, intAttribute, makeAttribute } from '../../ir/graph.js';
import { axisOf, gradientOf, product, range, unbroadcast } from './common.js';
import type { Adjoint, Family, Step } from './types.js';

const lastAxis = ({ node, dims }: Pick<Step, 'node' | 'dims'>, otherwise = -1): number =>
  axisOf(intAttribute(node, 'axis', otherwise), dims(node.inputs[0]).length);

/** (g − Σ g·y)·y */
const softmax: Adjoint = {
  op: 'Softmax',
  back: (step) => {
    const { b, node } = step;
    const [y, g] = [node.outputs[0], gradientOf(step)];
    const shared = b.sum(b.mul(g, y), [lastAxis(step)]);
    return [b.mul(b.sub(g, shared), y)];
  },
};

/** g − e^y·Σ g */
const logSoftmax: Adjoint = {
  op: 'LogSoftmax',
  back: (step) => {
    const { b, node } = step;
    const g = gradientOf(step);
    const total = b.sum(g, [lastAxis(step)]);
    return [b.sub(g, b.mul(b.op('Exp', [node.outputs[0]]), total))];
  },
};

const mean = ({ b }: Step, x: string, axes: number[], count: number): string =>
  b.scale(b.sum(x, axes), 1 / count);

/** x̂ and 1/σ over `axes`, and the gradient by x of one by x̂: (h − mean(h) − x̂·mean(h·x̂))/σ. */
function normalise(step: Step, axes: number[]) {
  const { b, node, dims } = step;
  const [x] = node.inputs;
  const count = product(axes.map((a) => dims(x)[a]));
  const centred = b.sub(x, mean(step, x, axes, count));
  const variance = mean(step, b.mul(centred, centred), axes, count);
  const epsilon = b.number(floatAttribute(node, 'epsilon', 1e-5));
  const inverse = b.op('Reciprocal', [b.op('Sqrt', [b.add(variance, epsilon)])]);
  const hat = b.mul(centred, inverse);
  const back = (h: string) => {
    const along = b.mul(hat, mean(step, b.mul(h, hat), axes, count));
    return b.mul(b.sub(b.sub(h, mean(step, h, axes, count)), along), inverse);
  };
  return { hat, back };
}

/** y = x̂·w + β over the last axes. */
const layerNormalization: Adjoint = {
  op: 'LayerNormalization',
  back: (step) => {
    const { b, node, dims, wants } = step;
    const [x, weight, bias] = node.inputs;
    const from = dims(x);
    const first = lastAxis(step);
    const { hat, back } = normalise(step, range(from.length).slice(first));
    const g = gradientOf(step);
    return [
      wants(0) ? back(b.mul(g, weight)) : undefined,
      wants(1) ? unbroadcast(b, b.mul(g, hat), from, dims(weight)) : undefined,
      bias && wants(2) ? unbroadcast(b, g, from, dims(bias)) : undefined,
    ];
  },
};

/** One value a channel as [C, 1, …], to meet [N, C, …]. */
const perChannel = ({ b, dims, node }: Step, name: string): string => {
  const [, channels, ...rest] = dims(node.inputs[0]);
  return b.reshape(name, [channels, ...rest.map(() => 1)]);
};

const allButChannel = ({ dims, node }: Step): number[] =>
  range(dims(node.inputs[0]).length).filter((i) => i !== 1);

/** y = x̂·γ + β, x̂ over the spatial axes of each sample. */
const instanceNormalization: Adjoint = {
  op: 'InstanceNormalization',
  back: (step) => {
    const { b, node, dims, wants } = step;
    const { hat, back } = normalise(step, range(dims(node.inputs[0]).length).slice(2));
    const g = gradientOf(step);
    return [
      wants(0) ? back(b.mul(g, perChannel(step, node.inputs[1]))) : undefined,
      wants(1) ? b.sum(b.mul(g, hat), allButChannel(step), false) : undefined,
      wants(2) ? b.sum(g, allButChannel(step), false) : undefined,
    ];
  },
};

/** The inference form, statistics frozen: y = (x − mean)·γ/√(var + ε) + β. */
const batchNormalization: Adjoint = {
  op: 'BatchNormalization',
  refuses: ({ node }) =>
    intAttribute(node, 'training_mode', 0) === 1 ? 'it is in training form' : undefined,
  back: (step) => {
    const { b, node, wants } = step;
    const [x, gamma, , centre, variance] = node.inputs;
    const epsilon = b.number(floatAttribute(node, 'epsilon', 1e-5));
    const inverse = b.op('Reciprocal', [b.op('Sqrt', [b.add(variance, epsilon)])]);
    const g = gradientOf(step);
    const hat = () => b.mul(b.sub(x, perChannel(step, centre)), perChannel(step, inverse));
    return [
      wants(0) ? b.mul(g, perChannel(step, b.mul(gamma, inverse))) : undefined,
      wants(1) ? b.sum(b.mul(g, hat()), allButChannel(step), false) : undefined,
      wants(2) ? b.sum(g, allButChannel(step), false) : undefined,
    ];
  },
};

/** y = x/‖x‖ₚ for p = 2: (g − y·Σ g·y)/‖x‖ */
const lpNormalization: Adjoint = {
  op: 'LpNormalization',
  refuses: ({ node }) => (intAttribute(node, 'p', 2) === 2 ? undefined : 'its norm is not the Euclidean one'),
  back: (step) => {
    const { b, node } = step;
    const [x, y, g] = [node.inputs[0], node.outputs[0], gradientOf(step)];
    const axis = lastAxis(step);
    const norm = b.op('ReduceL2', [x, b.ints([axis])], [makeAttribute.int('keepdims', 1)]);
    return [b.div(b.sub(g, b.mul(y, b.sum(b.mul(g, y), [axis]))), norm)];
  },
};

export const normalisationFamily: Family = [
  softmax,
  logSoftmax,
  layerNormalization,
  instanceNormalization,
  batchNormalization,
  lpNormalization,
];
