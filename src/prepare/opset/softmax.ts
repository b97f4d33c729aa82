import { intAttribute, makeAttribute, makeNode, setAttribute } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';
import { stem } from './edits.js';
import type { Adapter, Context } from './types.js';

/** Before 13 the input was taken as a matrix [dims before axis, dims from axis on] and each row normalised. */
export const SOFTMAX: readonly Adapter[] = [
  {
    ops: ['Softmax', 'LogSoftmax', 'Hardmax'],
    since: 13,
    description: 'works along one axis instead of on the input flattened to a matrix at the axis',
    adapt: softmax,
  },
];

function softmax(node: Node, context: Context): Node[] {
  const axis = intAttribute(node, 'axis', 1);
  const single = singleAxis(axis, context.shapeOf(node.inputs[0]));
  setAttribute(node, makeAttribute.int('axis', single ?? -1));
  return single === undefined ? flattened(node, axis, context) : [node];
}

/** The one axis that the row runs along, when all other dims from `axis` on are 1. */
function singleAxis(axis: number, shape: (number | undefined)[] | undefined): number | undefined {
  if (axis === -1) return -1;
  if (!shape) return undefined;
  const first = axis < 0 ? axis + shape.length : axis;
  const wide = shape.map((size, i) => ({ size, i })).filter(({ size, i }) => i >= first && size !== 1);
  if (wide.length > 1) return undefined;
  const at = wide[0]?.i ?? shape.length - 1;
  return at === shape.length - 1 ? -1 : at;
}

function flattened(node: Node, axis: number, context: Context): Node[] {
  const [input] = node.inputs;
  const [output] = node.outputs;
  const [shape, rows, result] = ['shape', 'rows', 'normalised'].map((part) =>
    context.fresh(`${stem(node)}_${part}`),
  );
  node.inputs = [rows];
  node.outputs = [result];
  return [
    makeNode('Shape', [input], [shape]),
    makeNode('Flatten', [input], [rows], [makeAttribute.int('axis', axis)]),
    node,
    makeNode('Reshape', [result, shape], [output]),
  ];
}
