import { dtypeNumber } from '../../ir/dtypes.js';
import { allGraphs, isOp } from '../../ir/graph.js';
import type { Attribute, Model, Node, Tensor } from '../../ir/model.js';
import { floatTensor, int64Tensor, makeTensor } from '../../ir/tensor.js';
import { removeNodes } from '../edit.js';
import type { Pass } from '../types.js';

const strings = (name: string, dims: number[], values: Uint8Array[]): Tensor => ({
  name,
  dims,
  dataType: dtypeNumber('string'),
  stringData: values,
  externalData: [],
  metadata: [],
});

/** How each attribute of Constant says its value. `sparse_value` is not here: it stays a node. */
const FORMS: Record<string, (name: string, a: Attribute) => Tensor | undefined> = {
  value: (name, a) => a.t && { ...a.t, name },
  value_float: (name, a) => (a.f === undefined ? undefined : floatTensor(name, [], [a.f])),
  value_floats: (name, a) => floatTensor(name, [a.floats.length], a.floats),
  value_int: (name, a) =>
    a.i === undefined ? undefined : makeTensor(name, 'int64', [], BigInt64Array.of(a.i)),
  value_ints: (name, a) =>
    a.ints.length === 0
      ? int64Tensor(name, [0], [])
      : makeTensor(name, 'int64', [a.ints.length], BigInt64Array.from(a.ints)),
  value_string: (name, a) => a.s && strings(name, [], [a.s]),
  value_strings: (name, a) => strings(name, [a.strings.length], a.strings),
};

/** The value of a Constant node as a tensor named like its output; undefined when it cannot be an initializer. */
export function constantValue(node: Node): Tensor | undefined {
  const [output] = node.outputs;
  const [value] = node.attributes;
  if (!isOp(node, 'Constant') || !output || !value || node.attributes.length > 1 || value.refAttrName)
    return undefined;
  return FORMS[value.name]?.(output, value);
}

/**
 * 1. Constant with `value` or any `value_*`: becomes an initializer of its graph (nested graphs keep their own).
 * 2. `sparse_value`, or an attribute that refers to a function's: stays.
 * 3. The Constant makes a graph output: stays, since an output needs a node for onnxruntime's nested graphs.
 */
export const liftConstants: Pass = {
  id: 'lift-constants',
  description: 'Weights hide in Constant nodes; as initializers they are found in one place.',
  run(model: Model) {
    let changes = 0;
    for (const graph of allGraphs(model.graph)) {
      const outputs = new Set(graph.outputs.map((v) => v.name));
      const lifted = new Set<Node>();
      for (const node of graph.nodes) {
        const tensor = outputs.has(node.outputs[0]) ? undefined : constantValue(node);
        if (!tensor) continue;
        graph.initializers.push(tensor);
        lifted.add(node);
      }
      removeNodes(graph, lifted);
      changes += lifted.size;
    }
    return { changes };
  },
};
