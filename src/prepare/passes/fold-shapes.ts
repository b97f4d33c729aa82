import { intAttribute, isOp, type Links, links, opsetVersion } from '../../ir/graph.js';
import type { Model, Node, Tensor } from '../../ir/model.js';
import { int64Tensor, intValues, tensorDtype } from '../../ir/tensor.js';
import type { ValueMeta } from '../../runtime/types.js';
import { constantsOf, removeNodes } from '../edit.js';
import { probeTypes, UNKNOWN_RANK } from '../probe.js';
import type { Pass } from '../types.js';

interface Known {
  types: Map<string, ValueMeta>;
  links: Links;
  constants: Map<string, Tensor>;
}

/**
 * 1. Shape (with start and end) whose dims are all fixed numbers: a constant. 2. Size of a fully fixed shape: a
 *    constant. 3. Gather of fixed dims out of a Shape that is otherwise open: a constant.
 * 4. An open (symbolic) dim is involved, or the value is a graph output: stays.
 * Fixed dims are sure: onnxruntime refuses inputs of another shape than the model states.
 */
export const foldShapes: Pass = {
  id: 'fold-shapes',
  description: 'Shape arithmetic over fixed dims hides constant reshapes and sizes from constant folding.',
  async run(model) {
    const candidates = model.graph.nodes.filter((node) => isOp(node, 'Shape', 'Size'));
    if (candidates.length === 0) return { changes: 0 };
    const known = {
      types: await probeTypes(model),
      links: links(model.graph),
      constants: constantsOf(model.graph),
    };
    const folded = new Set<Node>();
    for (const node of model.graph.nodes) {
      const value = known.links.outputs.has(node.outputs[0]) ? undefined : knownValue(model, node, known);
      if (!value) continue;
      model.graph.initializers.push(value);
      folded.add(node);
    }
    removeNodes(model.graph, folded);
    return { changes: folded.size };
  },
};

function knownValue(model: Model, node: Node, known: Known): Tensor | undefined {
  if (isOp(node, 'Shape')) return vector(node, shapeDims(model, node, known));
  if (isOp(node, 'Gather')) return gathered(model, node, known);
  if (!isOp(node, 'Size')) return undefined;
  const dims = dimsOf(node.inputs[0], known)?.map(fixed);
  if (!dims?.every((d) => d !== undefined)) return undefined;
  return int64Tensor(node.outputs[0], [], [dims.reduce((n, d) => n * d, 1)]);
}

const fixed = (dim: number | string): number | undefined =>
  typeof dim === 'number' && dim >= 0 ? dim : undefined;

function dimsOf(value: string, known: Known): (number | string)[] | undefined {
  const dims = known.types.get(value)?.dims;
  return dims?.includes(UNKNOWN_RANK) ? undefined : dims;
}

/** Dims that a Shape node gives, fixed or not; start and end count from the back when negative (opset 15). */
function shapeDims(model: Model, node: Node, known: Known): (number | undefined)[] | undefined {
  const dims = dimsOf(node.inputs[0], known);
  if (!dims) return undefined;
  if (opsetVersion(model) < 15) return dims.map(fixed);
  return dims.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', dims.length)).map(fixed);
}

const vector = (node: Node, dims: (number | undefined)[] | undefined): Tensor | undefined =>
  dims?.every((d) => d !== undefined) ? int64Tensor(node.outputs[0], [dims.length], dims) : undefined;

function gathered(model: Model, node: Node, known: Known): Tensor | undefined {
  const shape = known.links.producer.get(node.inputs[0]);
  const indices = known.constants.get(node.inputs[1]);
  if (!isOp(shape, 'Shape') || !indices || !['int64', 'int32'].includes(tensorDtype(indices)))
    return undefined;
  const dims = shapeDims(model, shape, known);
  const picked = dims && intValues(indices).map((i) => dims.at(i));
  if (!picked?.every((d) => d !== undefined)) return undefined;
  return int64Tensor(node.outputs[0], indices.dims, picked);
}
