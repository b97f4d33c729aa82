import { freeNames, subgraphs } from './graph.js';
import type { Node } from './model.js';

/** Every value that a node needs: its inputs and what its nested graphs capture. */
export function neededValues(node: Node): string[] {
  const inner = subgraphs(node).flatMap((graph) => [...freeNames(graph)]);
  return [...node.inputs.filter((name) => name !== ''), ...inner];
}

export interface Sorted {
  /** Producers before users; nodes that were in order already keep their order. Empty when there is a cycle. */
  nodes: Node[];
  /** The nodes of one cycle in the direction of data flow, when there is one. */
  cycle?: Node[];
}

type Visit = { node: Node; producers: Node[]; next: number };

/** Sorts the nodes of one graph by depth-first search, without recursion: chains may be as long as the graph. */
export function topologicalSort(nodes: readonly Node[]): Sorted {
  const producer = new Map<string, Node>();
  for (const node of nodes) for (const name of node.outputs) if (name) producer.set(name, node);
  const visit = (node: Node): Visit => ({
    node,
    producers: neededValues(node).flatMap((name) => producer.get(name) ?? []),
    next: 0,
  });
  const done = new Set<Node>();
  const open = new Set<Node>();
  for (const root of nodes) {
    const stack = done.has(root) ? [] : [visit(root)];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      open.add(top.node);
      const before = top.producers[top.next++];
      if (!before) {
        done.add(top.node);
        open.delete(top.node);
        stack.pop();
      } else if (open.has(before)) return { nodes: [], cycle: cycleFrom(stack, before) };
      else if (!done.has(before)) stack.push(visit(before));
    }
  }
  return { nodes: [...done] };
}

/** The stack runs from users to producers, so the cycle is its end, turned round. */
function cycleFrom(stack: readonly Visit[], start: Node): Node[] {
  const from = stack.findIndex((v) => v.node === start);
  return stack
    .slice(from)
    .map((v) => v.node)
    .reverse();
}
