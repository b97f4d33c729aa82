import { type Links, subgraphs } from '../ir/graph.js';
import type { Graph, Node, Tensor } from '../ir/model.js';

/** Initializers that no caller can override (those that are not graph inputs as well) and whose bytes are there. */
export function constantsOf(graph: Graph): Map<string, Tensor> {
  const inputs = new Set(graph.inputs.map((v) => v.name));
  const fixed = graph.initializers.filter((t) => t.name && !inputs.has(t.name) && !t.external?.absent);
  return new Map(fixed.map((t) => [t.name!, t]));
}

export function removeNodes(graph: Graph, gone: ReadonlySet<Node>): void {
  if (gone.size > 0) graph.nodes = graph.nodes.filter((node) => !gone.has(node));
}

/** True when something other than a node input of this graph needs the value under its name. */
export const isPinned = (l: Links, name: string): boolean => l.outputs.has(name) || l.captured.has(name);

export const readers = (l: Links, name: string): Node[] => (l.uses.get(name) ?? []).map((use) => use.node);

/** True when exactly one node input reads the value and nothing else does. */
export const isReadOnce = (l: Links, name: string): boolean =>
  !isPinned(l, name) && l.uses.get(name)?.length === 1;

export const isUnused = (l: Links, name: string): boolean => !isPinned(l, name) && !l.uses.has(name);

/** True when a graph nested in this one defines `name` itself, so that a read of it there would mean another value. */
export const isDefinedInside = (graph: Graph, name: string): boolean =>
  graph.nodes.some((node) => subgraphs(node).some((inner) => defines(inner, name)));

const defines = (graph: Graph, name: string): boolean =>
  graph.inputs.some((v) => v.name === name) ||
  graph.initializers.some((t) => t.name === name) ||
  graph.nodes.some((n) => n.outputs.includes(name)) ||
  isDefinedInside(graph, name);
