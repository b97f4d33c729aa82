import { freeNames, subgraphs } from '../../ir/graph.js';
import type { Graph, Node } from '../../ir/model.js';
import type { Pass } from '../types.js';

/**
 * 1. A node none of whose outputs reaches an output of its graph, directly or through a nested graph: removed.
 * 2. An initializer that nothing reads: removed.
 * 3. A stated type of a value that does not exist (any more): removed.
 * 4. Graph inputs stay even when nothing reads them: they are the model's interface.
 * Operators have no side effects in ONNX, so nothing else can be lost.
 */
export const removeDead: Pass = {
  id: 'remove-dead',
  description: 'What reaches no output costs bytes and would be calibrated and quantized for nothing.',
  run: (model) => ({ changes: removeFrom(model.graph) }),
};

function removeFrom(graph: Graph): number {
  let changes = 0;
  const alive = liveNodes(graph);
  changes += graph.nodes.length - alive.size;
  graph.nodes = graph.nodes.filter((node) => alive.has(node));
  for (const node of graph.nodes) for (const inner of subgraphs(node)) changes += removeFrom(inner);
  const read = new Set(graph.outputs.map((v) => v.name));
  for (const node of graph.nodes) for (const name of reads(node)) read.add(name);
  const before = graph.initializers.length + graph.sparseInitializers.length;
  graph.initializers = graph.initializers.filter((t) => read.has(t.name ?? ''));
  graph.sparseInitializers = graph.sparseInitializers.filter((t) => read.has(t.values?.name ?? ''));
  changes += before - graph.initializers.length - graph.sparseInitializers.length;
  return changes + dropStaleTypes(graph);
}

/** What a node reads from its graph: its inputs and what its nested graphs capture. */
const reads = (node: Node): string[] => [
  ...node.inputs.filter((name) => name),
  ...subgraphs(node).flatMap((inner) => [...freeNames(inner)]),
];

function liveNodes(graph: Graph): Set<Node> {
  const producer = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const alive = new Set<Node>();
  const wanted = graph.outputs.map((v) => v.name);
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const node = producer.get(name);
    if (!name || !node || alive.has(node)) continue;
    alive.add(node);
    wanted.push(...reads(node));
  }
  return alive;
}

function dropStaleTypes(graph: Graph): number {
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  const kept = graph.valueInfo.filter((v) => made.has(v.name));
  const dropped = graph.valueInfo.length - kept.length;
  graph.valueInfo = kept;
  return dropped;
}
