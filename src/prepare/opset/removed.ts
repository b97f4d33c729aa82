import { attribute, floatAttribute, intsAttribute, makeNode } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';
import { floatsLike, inPlace, intsConstant, stem } from './edits.js';
import type { Adapter, Context } from './types.js';

/** Slice's spelling of "to the end". */
const END = 2n ** 63n - 1n;

/**
 * Operators that left the standard. Those from 10 on were experimental: no standard version has them, but
 * onnxruntime runs them in the standard domain up to opset 9, with these meanings.
 */
export const REMOVED: readonly Adapter[] = [
  inPlace(['Scatter'], 11, 'ScatterElements takes its place', (node) => {
    node.opType = 'ScatterElements';
  }),
  inPlace(['DynamicSlice'], 10, 'Slice takes its place, with the same inputs', (node) => {
    node.opType = 'Slice';
  }),
  {
    ops: ['Affine'],
    since: 10,
    description: 'alpha · x + beta',
    adapt: (node, context) =>
      chain(node, context, [
        ['Mul', factor(node, context, 'alpha', 1)],
        ['Add', factor(node, context, 'beta', 0)],
      ]),
  },
  {
    ops: ['Scale'],
    since: 10,
    description: 'scale · x',
    adapt: (node, context) => chain(node, context, [['Mul', factor(node, context, 'scale', 1)]]),
  },
  {
    ops: ['ImageScaler'],
    since: 10,
    description: 'scale · x + bias of the channel; NCHW',
    adapt(node, context) {
      const bias = attribute(node, 'bias')?.floats ?? [];
      const perChannel = floatsLike(context, node, 'bias', [bias.length, 1, 1], bias);
      return chain(node, context, [
        ['Mul', factor(node, context, 'scale', 1)],
        ['Add', perChannel],
      ]);
    },
  },
  {
    ops: ['ScaledTanh'],
    since: 10,
    description: 'alpha · tanh(beta · x)',
    adapt: (node, context) =>
      chain(node, context, [
        ['Mul', factor(node, context, 'beta', 1)],
        ['Tanh'],
        ['Mul', factor(node, context, 'alpha', 1)],
      ]),
  },
  {
    ops: ['ParametricSoftplus'],
    since: 10,
    description: 'alpha · log(exp(beta · x) + 1)',
    adapt: (node, context) =>
      chain(node, context, [
        ['Mul', factor(node, context, 'beta', 1)],
        ['Softplus'],
        ['Mul', factor(node, context, 'alpha', 1)],
      ]),
  },
  { ops: ['Crop'], since: 10, description: 'Slice of height and width', adapt: crop },
];

const factor = (node: Node, context: Context, name: string, otherwise: number): string =>
  floatsLike(context, node, name, [], [floatAttribute(node, name, otherwise)]);

/** Operators applied one after the other, each with at most one constant as second input. */
function chain(node: Node, context: Context, steps: [op: string, constant?: string][]): Node[] {
  let value = node.inputs[0];
  return steps.map(([op, constant], i) => {
    const output =
      i === steps.length - 1 ? node.outputs[0] : context.fresh(`${stem(node)}_${op.toLowerCase()}`);
    const made = makeNode(op, constant ? [value, constant] : [value], [output]);
    value = output;
    return made;
  });
}

/** border is left, top, right, bottom; scale, when present, is the height and width that remain. */
function crop(node: Node, context: Context): Node[] {
  const [left, top, right, bottom] = intsAttribute(node, 'border') ?? [0, 0, 0, 0];
  const size = intsAttribute(node, 'scale');
  const ends = size?.length
    ? [top + size[0], left + size[1]]
    : [bottom ? -bottom : END, right ? -right : END];
  return [
    makeNode(
      'Slice',
      [
        node.inputs[0],
        intsConstant(context, node, 'starts', [top, left]),
        intsConstant(context, node, 'ends', ends),
        intsConstant(context, node, 'axes', [2, 3]),
      ],
      node.outputs,
    ),
  ];
}
