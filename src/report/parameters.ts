import { dtypeName } from '../ir/dtypes.js';
import { allGraphs, allNodes, isOp } from '../ir/graph.js';
import type { Model } from '../ir/model.js';

/** Element types that hold shapes, indices and switches rather than what was trained. */
const NOT_TRAINED: ReadonlySet<string | undefined> = new Set([
  undefined,
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool',
  'string',
]);

/**
 * Names of the initializers that are parameters: floats and codes in every graph, without the scales and zero points
 * of Q/DQ. What DequantizeLinear reads is one whatever its type (int32 biases).
 */
export function parameterNames(model: Model): Set<string> {
  const dequantized = new Set<string>();
  const scales = new Set<string>();
  for (const node of allNodes(model.graph)) {
    if (!isOp(node, 'QuantizeLinear', 'DequantizeLinear')) continue;
    for (const name of node.inputs.slice(1)) scales.add(name);
    if (isOp(node, 'DequantizeLinear')) dequantized.add(node.inputs[0]);
  }
  const names = new Set<string>();
  for (const graph of allGraphs(model.graph))
    for (const t of graph.initializers) {
      const name = t.name ?? '';
      if (scales.has(name)) continue;
      if (dequantized.has(name) || !NOT_TRAINED.has(dtypeName(t.dataType))) names.add(name);
    }
  return names;
}
