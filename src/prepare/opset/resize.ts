import { makeAttribute, makeNode, setAttribute, stringAttribute } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';
import { floatTensor, floatValues } from '../../ir/tensor.js';
import { inPlace, stem, takeFloats } from './edits.js';
import type { Adapter, Context } from './types.js';

export const RESIZE: readonly Adapter[] = [
  inPlace(['Upsample'], 9, 'scales become an input', (node, context) => {
    const scales = takeFloats(node, 'scales') ?? [];
    node.inputs[1] = context.constant(`${stem(node)}_scales`, floatTensor('', [scales.length], scales));
  }),
  inPlace(['Upsample'], 10, 'Resize takes its place', (node) => {
    node.opType = 'Resize';
  }),
  {
    ops: ['Resize'],
    since: 11,
    description: 'the coordinates, until now asymmetric, and the rounding are attributes; scales are input 2',
    adapt: resizeModes,
  },
  inPlace(['Resize'], 13, 'tf_half_pixel_for_nn is gone', tfHalfPixel),
];

/**
 * Resize-10 and Upsample read source coordinate x / scale. Nearest rounds it down where the axis grows and up where
 * it shrinks: that is what onnxruntime computes, the standard being silent. Rounding is one attribute for all axes
 * since 11, so axes of both kinds take two Resizes, which is exact because nearest treats each axis alone.
 */
function resizeModes(node: Node, context: Context): Node[] {
  const [input, scales] = node.inputs;
  const common = [
    makeAttribute.string('mode', stringAttribute(node, 'mode', 'nearest')),
    makeAttribute.string('coordinate_transformation_mode', 'asymmetric'),
  ];
  // The region of interest, unused in these modes, is optional from 13 on only.
  const roi = context.to < 13 ? context.constant(`${stem(node)}_roi`, floatTensor('', [0], [])) : '';
  const resize = (from: string, by: string, to: string, rounding?: string): Node => ({
    ...node,
    inputs: [from, roi, by],
    outputs: [to],
    attributes: rounding ? [...common, makeAttribute.string('nearest_mode', rounding)] : common,
  });
  const [output] = node.outputs;
  if (stringAttribute(node, 'mode', 'nearest') !== 'nearest') return [resize(input, scales, output)];
  const known = context.constantOf(scales);
  const values = known && [...floatValues(known)];
  if (values?.every((s) => s >= 1)) return [resize(input, scales, output, 'floor')];
  if (values?.every((s) => s <= 1)) return [resize(input, scales, output, 'ceil')];
  const grown = context.fresh(`${stem(node)}_grown`);
  const [up, down] = [context.fresh(`${stem(node)}_up`), context.fresh(`${stem(node)}_down`)];
  const one = context.constant(`${stem(node)}_one`, floatTensor('', [1], [1]));
  return [
    makeNode('Max', [scales, one], [up]),
    makeNode('Min', [scales, one], [down]),
    resize(input, up, grown, 'floor'),
    { ...resize(grown, down, output, 'ceil'), name: undefined },
  ];
}

/**
 * (x + 0.5) / scale rounded down is half_pixel's (x + 0.5) / scale - 0.5 rounded half up. Other roundings have no
 * counterpart; onnxruntime goes on accepting the old name, so such a node stays as it is.
 */
function tfHalfPixel(node: Node, context: Context): void {
  if (stringAttribute(node, 'coordinate_transformation_mode', '') !== 'tf_half_pixel_for_nn') return;
  const nearest = stringAttribute(node, 'mode', 'nearest') === 'nearest';
  if (nearest && stringAttribute(node, 'nearest_mode', 'round_prefer_floor') === 'floor') {
    setAttribute(node, makeAttribute.string('coordinate_transformation_mode', 'half_pixel'));
    setAttribute(node, makeAttribute.string('nearest_mode', 'round_prefer_ceil'));
  } else
    context.warn(
      'OPSET_RESIZE_MODE',
      'tf_half_pixel_for_nn left the standard at opset 13; onnxruntime still runs it, other runtimes may not',
      node,
    );
}
