import { freeNames, links, subgraphs } from './graph.js';
import type { Graph, Node } from './model.js';

/** Keeps the nodes and constants that the graph's outputs need. Inputs stay: samples feed all of them. */
export function prune(graph: Graph): void {
  const { producer } = links(graph);
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
