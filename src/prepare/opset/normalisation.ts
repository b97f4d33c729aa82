import { unsupportedError } from '../../errors.js';
import { floatAttribute, intAttribute, makeAttribute, makeNode, setAttribute } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';
import { floatsLike, inPlace, intsConstant, stem, takeInt } from './edits.js';
import type { Adapter, Context } from './types.js';

export const NORMALISATION: readonly Adapter[] = [
  {
    ops: ['BatchNormalization'],
    since: 9,
    description: 'spatial is gone; statistics per position become plain arithmetic',
    adapt: dropSpatial,
  },
  inPlace(['BatchNormalization'], 14, 'training outputs change; inference has one', dropTrainingOutputs),
  {
    ops: ['MeanVarianceNormalization'],
    since: 9,
    description: "the experimental form's across_channels and normalize_variance become axes",
    adapt: experimentalMvn,
  },
  {
    ops: ['GroupNormalization'],
    since: 21,
    description: 'scale and bias are per channel instead of per group',
    adapt: perChannelScale,
  },
];

/**
 * Spatial 0 has scale, bias, mean and variance of shape [C, D1, …]. The arithmetic is onnxruntime's own order:
 * scale' = scale / sqrt(variance + epsilon), y = x · scale' + (bias - mean · scale').
 */
function dropSpatial(node: Node, context: Context): Node[] {
  if (takeInt(node, 'spatial') !== 0) return [node];
  const [x, scale, bias, mean, variance] = node.inputs;
  const epsilon = floatsLike(context, node, 'epsilon', [], [floatAttribute(node, 'epsilon', 1e-5)]);
  const value = (part: string) => context.fresh(`${stem(node)}_${part}`);
  const [sum, root, inverse, gain, centre, offset, scaled] = [
    'sum',
    'root',
    'inverse',
    'gain',
    'centre',
    'offset',
    'scaled',
  ].map(value);
  return [
    makeNode('Add', [variance, epsilon], [sum]),
    makeNode('Sqrt', [sum], [root]),
    makeNode('Reciprocal', [root], [inverse]),
    makeNode('Mul', [inverse, scale], [gain]),
    makeNode('Mul', [mean, gain], [centre]),
    makeNode('Sub', [bias, centre], [offset]),
    makeNode('Mul', [x, gain], [scaled]),
    makeNode('Add', [scaled, offset], [node.outputs[0]]),
  ];
}

function dropTrainingOutputs(node: Node, context: Context): void {
  const read = node.outputs.slice(1).find((name) => name && context.isUsed(name));
  if (read)
    throw unsupportedError('OPSET_TRAINING', `BatchNormalization's training output "${read}" is in use`, {
      where: { node: node.name || node.outputs[0] },
      hint: 'Export the model for inference.',
    });
  node.outputs.length = 1;
}

/**
 * Below 9 only onnxruntime knows the operator. It takes the statistics over the batch too: over the
 * first four axes but the channels, or with across_channels over all four. Input of unknown rank is taken as NCHW.
 */
function experimentalMvn(node: Node, context: Context): Node[] {
  const rank = context.shapeOf(node.inputs[0])?.length ?? 4;
  const across = takeInt(node, 'across_channels');
  const axes = [0, 1, 2, 3].filter((i) => i < rank && (across || i !== 1));
  if ((takeInt(node, 'normalize_variance') ?? 1) !== 0) {
    setAttribute(node, makeAttribute.ints('axes', axes));
    return [node];
  }
  const mean = context.fresh(`${stem(node)}_mean`);
  return [
    makeNode('ReduceMean', [node.inputs[0]], [mean], [makeAttribute.ints('axes', axes)]),
    makeNode('Sub', [node.inputs[0], mean], node.outputs),
  ];
}

/** Each group's value is repeated for its C / groups channels: [G] → [G, 1] → [G, C/G] → [C]. */
function perChannelScale(node: Node, context: Context): Node[] {
  const groups = intAttribute(node, 'num_groups', 1);
  const ints = (part: string, values: number[]) => intsConstant(context, node, part, values);
  const [shape, channels, each, target] = ['shape', 'channels', 'each', 'target'].map((part) =>
    context.fresh(`${stem(node)}_${part}`),
  );
  const count = ints('groups', [groups]);
  const last = ints('last_axis', [-1]);
  const repeat = (input: number, part: string): Node[] => {
    const [column, table, flat] = ['column', 'table', 'flat'].map((step) =>
      context.fresh(`${stem(node)}_${part}_${step}`),
    );
    const source = node.inputs[input];
    node.inputs[input] = flat;
    return [
      makeNode('Unsqueeze', [source, last], [column]),
      makeNode('Expand', [column, target], [table]),
      makeNode('Reshape', [table, last], [flat]),
    ];
  };
  return [
    makeNode('Shape', [node.inputs[0]], [shape]),
    makeNode('Gather', [shape, ints('channel_axis', [1])], [channels]),
    makeNode('Div', [channels, count], [each]),
    makeNode('Concat', [count, each], [target], [makeAttribute.int('axis', 0)]),
    ...repeat(1, 'scale'),
    ...repeat(2, 'bias'),
    node,
  ];
}
