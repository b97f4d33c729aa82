import { allNodes, nameAllocator } from '../../ir/graph.js';
import type { Pass } from '../types.js';

/**
 * 1. A node without a name gets `<opType>_<first output>`.
 * 2. Of several nodes with one name the first keeps it, the others are named as in 1.
 * 3. Nested graphs share the one name space, so that a name means one node in the whole model.
 */
export const nameNodes: Pass = {
  id: 'name-nodes',
  description: 'A plan speaks of nodes by name, so each needs one of its own.',
  run(model) {
    const nodes = [...allNodes(model.graph)];
    const fresh = nameAllocator(new Set(nodes.map((node) => node.name ?? '')));
    const seen = new Set<string>();
    let changes = 0;
    for (const node of nodes) {
      if (!node.name || seen.has(node.name)) {
        node.name = fresh(`${node.opType}_${node.outputs.find((name) => name) ?? 'none'}`);
        changes++;
      }
      seen.add(node.name);
    }
    return { changes };
  },
};
