import { freeNames, isOp, subgraphs } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import { CONSTANT_OPERATORS } from './operators.js';
import type { Shapes } from './shapes.js';

/** Samples of a run: the leading dimension of the first input; 1 when it has none. */
export const batchOf = (model: Model, shapes: Shapes): number =>
  shapes.dims(model.graph.inputs[0]?.name ?? '')?.[0] ?? 1;

/**
 * The shapes of a run of another batch: the leading dimension of every value that follows from the inputs, times
 * `factor`. Element counts are right wherever the batch itself lies; shape arithmetic and parameters stay.
 */
export function withBatch(model: Model, shapes: Shapes, factor: number): Shapes {
  if (factor === 1) return shapes;
  const grows = followers(model);
  const dims = (name: string): number[] | undefined => {
    const known = shapes.dims(name);
    return known && known.length > 0 && grows.has(name) ? [known[0] * factor, ...known.slice(1)] : known;
  };
  return {
    ...shapes,
    dims,
    count: (name) => (grows.has(name) && shapes.dims(name)?.length ? factor : 1) * shapes.count(name),
  };
}

/** Inputs and everything that is computed from them. */
function followers({ graph }: Model): Set<string> {
  const parameters = new Set(graph.initializers.map((t) => t.name));
  const names = new Set(graph.inputs.map((v) => v.name).filter((name) => !parameters.has(name)));
  for (const node of graph.nodes) {
    if (isOp(node, ...CONSTANT_OPERATORS)) continue;
    const read = [...node.inputs, ...subgraphs(node).flatMap((g) => [...freeNames(g)])];
    if (read.some((name) => names.has(name))) for (const output of node.outputs) names.add(output);
  }
  return names;
}
