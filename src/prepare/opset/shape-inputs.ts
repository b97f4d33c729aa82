import { attribute, makeAttribute, makeNode, removeAttribute, setAttribute } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';
import { floatTensor, int64Tensor } from '../../ir/tensor.js';
import { floatsLike, inPlace, intsToInput, setInput, stem, takeFloat, takeInt } from './edits.js';
import type { Adapter, Context } from './types.js';

/** Operators whose parameters moved from attributes to inputs. */
export const SHAPE_INPUTS: readonly Adapter[] = [
  inPlace(['Slice'], 10, 'starts, ends and axes become inputs', (node, context) => {
    intsToInput(node, context, 'starts', 1, true);
    intsToInput(node, context, 'ends', 2, true);
    intsToInput(node, context, 'axes', 3);
  }),
  inPlace(['TopK'], 10, 'k becomes an input', (node, context) => {
    const k = takeInt(node, 'k');
    if (k !== undefined) setInput(node, 1, context.constant(`${stem(node)}_k`, int64Tensor('', [1], [k])));
  }),
  inPlace(['Clip'], 11, 'min and max become inputs of the data type', (node, context) => {
    for (const [position, name] of [
      [1, 'min'],
      [2, 'max'],
    ] as const) {
      const bound = takeFloat(node, name);
      if (bound !== undefined) setInput(node, position, floatsLike(context, node, name, [], [bound]));
    }
  }),
  inPlace(['Pad'], 11, 'pads and value become inputs', (node, context) => {
    intsToInput(node, context, 'pads', 1, true);
    const value = takeFloat(node, 'value');
    if (value) setInput(node, 2, floatsLike(context, node, 'value', [], [value]));
  }),
  { ops: ['Dropout'], since: 10, description: 'mask becomes bool', adapt: dropoutMaskToBool },
  {
    ops: ['Dropout'],
    since: 12,
    description: 'ratio becomes an input; the mask marks what is kept, where it was all zero',
    adapt: dropoutRatioToInput,
  },
  inPlace(['Squeeze', 'Unsqueeze', 'ReduceSum'], 13, 'axes become an input', (node, context) =>
    intsToInput(node, context, 'axes', 1, node.opType === 'Unsqueeze'),
  ),
  inPlace(['Split'], 13, 'split becomes an input', (node, context) => intsToInput(node, context, 'split', 1)),
  inPlace(['Split'], 18, 'an equal split states the number of outputs', (node) => {
    if (!node.inputs[1]) setAttribute(node, makeAttribute.int('num_outputs', node.outputs.length));
  }),
  inPlace(['DFT'], 20, 'axis becomes an input; its default changes from 1 to -2', (node, context) => {
    const axis = takeInt(node, 'axis') ?? 1;
    setInput(node, 2, context.constant(`${stem(node)}_axis`, int64Tensor('', [], [axis])));
  }),
];

/** Routes the mask (output 1) through a new value when someone reads it, else drops it. */
function splitMask(node: Node, context: Context): { mask: string; inner: string } | undefined {
  const mask = node.outputs[1];
  if (!mask || !context.isUsed(mask)) {
    node.outputs.length = 1;
    return undefined;
  }
  const inner = context.fresh(`${mask}_bool`);
  node.outputs[1] = inner;
  return { mask, inner };
}

function dropoutMaskToBool(node: Node, context: Context): Node[] {
  const type = context.dtypeOf(node.outputs[1]) ?? context.dtypeOf(node.inputs[0]) ?? 1;
  const split = splitMask(node, context);
  return split
    ? [node, makeNode('Cast', [split.inner], [split.mask], [makeAttribute.int('to', type)])]
    : [node];
}

/**
 * Before 12 onnxruntime fills the mask with zeros when it only infers; from 12 on with ones. The output itself is
 * the input either way, since training_mode is absent.
 */
function dropoutRatioToInput(node: Node, context: Context): Node[] {
  const ratio = attribute(node, 'ratio')?.f;
  removeAttribute(node, 'ratio');
  if (ratio !== undefined)
    setInput(node, 1, context.constant(`${stem(node)}_ratio`, floatTensor('', [], [ratio])));
  const split = splitMask(node, context);
  return split ? [node, makeNode('Not', [split.inner], [split.mask])] : [node];
}
