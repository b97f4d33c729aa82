import { dtypeNumber } from '../ir/dtypes.js';
import { freeNames, isOp, subgraphs } from '../ir/graph.js';
import type { Graph, Model, Node, ValueInfo } from '../ir/model.js';

/** A part of a graph: all that comes to it are its inputs (or constants), all that leaves it are its outputs. */
export interface Block {
  inputs: string[];
  outputs: string[];
  nodes: Node[];
}

const LINEAR = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'];
/** An inverted residual has three: expansion, depthwise, projection. Parts of fewer are joined. */
const LEAST_LINEAR = 3;

/**
 * Cuts a graph where one value alone leads on: behind residual sums, and between layers that follow each other. Each
 * block has at least three linear operators, the last one what is left. Blocks come in the order of computation.
 * @param fits whether a value may part two blocks
 */
export function blocksOf({ graph }: Model, fits: (name: string) => boolean, least = LEAST_LINEAR): Block[] {
  const left = readsOf(graph);
  const outputs = graph.outputs.map((o) => o.name);
  const alive = new Set(graph.inputs.map((i) => i.name).filter((name) => left.has(name)));
  const blocks: Block[] = [];
  let inputs = [...alive];
  let nodes: Node[] = [];
  for (const node of graph.nodes) {
    nodes.push(node);
    for (const name of readBy(node)) {
      if (!left.has(name)) continue;
      const reads = left.get(name)! - 1;
      left.set(name, reads);
      if (reads === 0) alive.delete(name);
    }
    for (const output of node.outputs) if (left.has(output)) alive.add(output);
    const [border] = alive;
    if (alive.size !== 1 || !node.outputs.includes(border) || outputs.includes(border) || !fits(border))
      continue;
    if (nodes.filter((n) => isOp(n, ...LINEAR)).length < least) continue;
    blocks.push({ inputs, outputs: [border], nodes });
    [inputs, nodes] = [[border], []];
  }
  return nodes.length > 0 ? [...blocks, { inputs, outputs, nodes }] : blocks;
}

/** How often each value that is no constant is read; outputs of the graph once more. */
function readsOf(graph: Graph): Map<string, number> {
  const constants = new Set(graph.initializers.map((t) => t.name ?? ''));
  const reads = new Map<string, number>();
  const names = [...graph.nodes.flatMap(readBy), ...graph.outputs.map((o) => o.name)];
  for (const name of names) if (!constants.has(name)) reads.set(name, (reads.get(name) ?? 0) + 1);
  return reads;
}

const readBy = (node: Node): string[] =>
  [...node.inputs, ...subgraphs(node).flatMap((inner) => [...freeNames(inner)])].filter(Boolean);

const floatInput = (name: string, sizes: number[]): ValueInfo => ({
  name,
  type: { tensor: { elemType: dtypeNumber('float32'), shape: { dims: sizes.map((value) => ({ value })) } } },
});

/** A block as a model of its own. @param dims sizes of the values that part blocks, all float32 */
export function blockModel(
  model: Model,
  { inputs, outputs, nodes }: Block,
  dims: ReadonlyMap<string, number[]>,
): Model {
  const { graph } = model;
  const read = new Set(nodes.flatMap(readBy));
  const infos = new Map(graph.inputs.map((i) => [i.name, i]));
  return {
    ...model,
    graph: {
      ...graph,
      nodes,
      inputs: inputs.map((name) => infos.get(name) ?? floatInput(name, dims.get(name)!)),
      outputs: outputs.map((name) => ({ name })),
      initializers: graph.initializers.filter((t) => read.has(t.name ?? '')),
    },
  };
}
