import {
  allGraphs,
  intAttribute,
  isOp,
  type Links,
  links,
  opsetVersion,
  renameUses,
} from '../../ir/graph.js';
import type { Graph, Node, Tensor } from '../../ir/model.js';
import { intValues } from '../../ir/tensor.js';
import { constantsOf, isDefinedInside, isUnused, removeNodes } from '../edit.js';
import type { Pass } from '../types.js';

/**
 * For y = Identity(x), or Dropout in its inference form with an unused mask:
 * 1. y is no graph output: whatever reads y (nested graphs too) reads x. Holds for x an initializer, an input or a
 *    value of an outer graph.
 * 2. y is a graph output and x comes from a node of this graph and is no output itself: that node makes y directly,
 *    and whatever read x reads y.
 * 3. y is a graph output and x is an input, an initializer, an outer value or another output: stays, or a name of
 *    the model's interface would be lost.
 * 4. A nested graph defines the other name itself: stays, or the read there would mean another value.
 * 5. Dropout that trains, or that might (training_mode is computed), or whose mask is read: stays.
 */
export const removeIdentities: Pass = {
  id: 'remove-identities',
  description: 'Identity and inference-time Dropout hide a weight or a producer from those who look for it.',
  run(model) {
    const opset = opsetVersion(model);
    const outer = constantsOf(model.graph);
    let changes = 0;
    for (const graph of allGraphs(model.graph)) {
      const constants = graph === model.graph ? outer : new Map([...outer, ...constantsOf(graph)]);
      changes += removeFrom(graph, (node, l) => passesThrough(node, l, constants, opset));
    }
    return { changes };
  },
};

function removeFrom(graph: Graph, passes: (node: Node, l: Links) => boolean): number {
  let count = 0;
  let l = links(graph);
  for (const node of [...graph.nodes]) {
    if (!passes(node, l) || !bypass(graph, node, l)) continue;
    removeNodes(graph, new Set([node]));
    l = links(graph);
    count++;
  }
  return count;
}

function passesThrough(node: Node, l: Links, constants: Map<string, Tensor>, opset: number): boolean {
  if (isOp(node, 'Identity')) return true;
  if (!isOp(node, 'Dropout') || node.outputs.slice(1).some((mask) => mask && !isUnused(l, mask)))
    return false;
  if (opset < 7) return intAttribute(node, 'is_test', 0) === 1;
  const mode = node.inputs[2];
  if (!mode) return true;
  const value = constants.get(mode);
  return value !== undefined && intValues(value)[0] === 0;
}

/** Makes the readers of the node's output independent of the node; false when that is not allowed. */
function bypass(graph: Graph, node: Node, l: Links): boolean {
  const [from] = node.inputs;
  const [to] = node.outputs;
  if (!from || !to) return false;
  if (!l.outputs.has(to)) {
    if (l.captured.has(to) && isDefinedInside(graph, from)) return false;
    renameUses(graph, to, from);
    return true;
  }
  const producer = l.producer.get(from);
  if (!producer || l.outputs.has(from)) return false;
  if (l.captured.has(from) && isDefinedInside(graph, to)) return false;
  producer.outputs = producer.outputs.map((name) => (name === from ? to : name));
  renameUses(graph, from, to);
  return true;
}
