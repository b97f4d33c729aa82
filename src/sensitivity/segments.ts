import { dtypeNumber } from '../ir/dtypes.js';
import type { Model, Node, ValueInfo } from '../ir/model.js';
import { prune } from '../ir/prune.js';
import type { ValueMeta } from '../runtime/types.js';
import { readsOf } from './probe.js';

/** The nodes of a model from `from` on, which read `crossing`, values that nodes before them made. */
export interface Segment {
  from: number;
  crossing: string[];
  model: Model;
}

/**
 * Tails of a model: what changes in a late layer need not be computed from the beginning. The first segment is the
 * whole model, which also hands out what the others read.
 * @param work of each node, in any unit: cuts share it evenly
 * @param most segments
 */
export function segmentsOf(
  model: Model,
  types: ReadonlyMap<string, ValueMeta>,
  work: (node: Node) => number,
  most: number,
): Segment[] {
  const tails = cuts(model.graph.nodes, work, most).flatMap((from) => tailOf(model, types, from) ?? []);
  const handed = [...new Set(tails.flatMap((tail) => tail.crossing))];
  const own = new Set(model.graph.outputs.map((o) => o.name));
  const outputs = handed.filter((name) => !own.has(name)).map((name) => valueInfo(name, types));
  const graph = { ...model.graph, outputs: [...model.graph.outputs, ...outputs] };
  return [{ from: 0, crossing: [], model: { ...model, graph } }, ...tails];
}

/** Nodes before which another share of 1 / most of the work is done. */
function cuts(nodes: readonly Node[], work: (node: Node) => number, most: number): number[] {
  const total = nodes.reduce((sum, node) => sum + work(node), 0);
  const found: number[] = [];
  let [done, shares] = [0, 0];
  nodes.forEach((node, i) => {
    const now = Math.floor((done / total) * most);
    if (now > shares) found.push(i);
    shares = now;
    done += work(node);
  });
  return found;
}

const valueInfo = (name: string, types: ReadonlyMap<string, ValueMeta>): ValueInfo => ({
  name,
  type: { tensor: { elemType: dtypeNumber(types.get(name)!.dtype!) } },
});

/** Undefined where an output is made before, or a value crosses whose type is not known: a rounded view, a sequence. */
function tailOf(model: Model, types: ReadonlyMap<string, ValueMeta>, from: number): Segment | undefined {
  const { graph } = model;
  const made = new Set(graph.nodes.slice(0, from).flatMap((node) => node.outputs));
  const nodes = graph.nodes.slice(from);
  const read = [...nodes.flatMap(readsOf), ...graph.outputs.map((o) => o.name)];
  const crossing = [...new Set(read)].filter((name) => made.has(name));
  if (crossing.length === 0 || graph.outputs.some((o) => made.has(o.name))) return undefined;
  if (crossing.some((name) => types.get(name)?.dtype === undefined)) return undefined;
  const inputs = [...graph.inputs, ...crossing.map((name) => valueInfo(name, types))];
  const tail = { ...graph, nodes, inputs };
  prune(tail);
  const needed = new Set(tail.nodes.flatMap(readsOf));
  tail.inputs = inputs.filter(({ name }) => needed.has(name));
  return { from, crossing: crossing.filter((name) => needed.has(name)), model: { ...model, graph: tail } };
}
