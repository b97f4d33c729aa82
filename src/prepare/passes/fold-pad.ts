import {
  floatAttribute,
  intsAttribute,
  isOp,
  makeAttribute,
  opsetVersion,
  removeAttribute,
  setAttribute,
  stringAttribute,
} from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';
import { floatValues, intValues } from '../../ir/tensor.js';
import { isReadOnce, removeNodes } from '../edit.js';
import { type Folding, startFolding } from '../linear.js';
import type { Pass } from '../types.js';

/**
 * 1. Pad with constant zeros on spatial axes before Conv with explicit padding (or auto_pad VALID): the convolution
 *    pads itself, by the sum of both.
 * 2. Other modes or values, negative pads, pads on batch or channels, computed pads, auto_pad SAME_*, a padded value
 *    that others read: stay.
 */
export const foldPad: Pass = {
  id: 'fold-pad',
  description:
    'TensorFlow exports pad before the convolution, which costs a copy and a quantized tensor for nothing.',
  run(model) {
    const folding = startFolding(model);
    const opset = opsetVersion(model);
    let changes = 0;
    for (const conv of model.graph.nodes) {
      const pad = isOp(conv, 'Conv') && folding.links.producer.get(conv.inputs[0]);
      if (!pad || !isOp(pad, 'Pad') || !isReadOnce(folding.links, conv.inputs[0])) continue;
      const pads = zeroPads(pad, opset, folding);
      if (!pads || !mergePads(conv, pads, folding)) continue;
      conv.inputs[0] = pad.inputs[0];
      folding.gone.add(pad);
      changes++;
    }
    removeNodes(model.graph, folding.gone);
    return { changes };
  },
};

/** Begin pads of every axis, then end pads, when the Pad writes zeros at constant places; else undefined. */
function zeroPads(pad: Node, opset: number, folding: Folding): number[] | undefined {
  if (stringAttribute(pad, 'mode', 'constant') !== 'constant') return undefined;
  if (opset < 11) return floatAttribute(pad, 'value', 0) === 0 ? intsAttribute(pad, 'pads') : undefined;
  const [, padsName, valueName, axesName] = pad.inputs;
  const pads = folding.constants.get(padsName);
  const value = valueName ? folding.constants.get(valueName) : undefined;
  if (!pads || axesName || (valueName && !value)) return undefined;
  return value && floatValues(value)[0] !== 0 ? undefined : intValues(pads);
}

function mergePads(conv: Node, pads: number[], folding: Folding): boolean {
  const weight = folding.constants.get(conv.inputs[1]);
  const rank = pads.length / 2;
  const auto = stringAttribute(conv, 'auto_pad', 'NOTSET');
  if (!weight || rank !== weight.dims.length || rank < 3 || !['NOTSET', 'VALID'].includes(auto)) return false;
  if (pads.some((p, i) => p < 0 || (i % rank < 2 && p !== 0))) return false;
  const spatial = pads.filter((_, i) => i % rank >= 2);
  const own = auto === 'NOTSET' ? intsAttribute(conv, 'pads') : undefined;
  removeAttribute(conv, 'auto_pad');
  setAttribute(
    conv,
    makeAttribute.ints(
      'pads',
      spatial.map((p, i) => p + (own?.[i] ?? 0)),
    ),
  );
  return true;
}
