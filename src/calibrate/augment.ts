import { bugError } from '../errors.js';
import { cloneModel, freeNames, links, subgraphs } from '../ir/graph.js';
import type { Graph, Model, Node, ValueInfo } from '../ir/model.js';

/**
 * A copy of the model whose outputs are `tensors`, pruned to what they need: onnxruntime runs every node it is given.
 * Graph inputs among `tensors` are left out, since their values are the samples themselves.
 */
export function withOutputs(model: Model, tensors: readonly string[]): Model {
  const copy = cloneModel(model);
  const { graph } = copy;
  const known = new Map<string, ValueInfo>([...graph.valueInfo, ...graph.outputs].map((v) => [v.name, v]));
  const { producer } = links(graph);
  for (const name of tensors)
    if (!producer.has(name))
      throw bugError('CALIBRATE_TENSOR', `no node makes "${name}"`, { where: { tensor: name } });
  graph.outputs = tensors.map((name) => known.get(name) ?? { name });
  prune(graph, producer);
  return copy;
}

/** Keeps the nodes, inputs and initializers that the outputs need. Inputs stay: samples feed all of them. */
function prune(graph: Graph, producer: Map<string, Node>): void {
  const needed = new Set<Node>();
  const read = new Set<string>();
  const stack = graph.outputs.map((output) => output.name);
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (read.has(name)) continue;
    read.add(name);
    const node = producer.get(name);
    if (!node || needed.has(node)) continue;
    needed.add(node);
    stack.push(...node.inputs, ...subgraphs(node).flatMap((inner) => [...freeNames(inner)]));
  }
  graph.nodes = graph.nodes.filter((node) => needed.has(node));
  graph.initializers = graph.initializers.filter((tensor) => read.has(tensor.name ?? ''));
  graph.sparseInitializers = graph.sparseInitializers.filter((t) => read.has(t.values?.name ?? ''));
}
