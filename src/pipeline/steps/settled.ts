import { links, opsetVersion } from '../../ir/graph.js';
import type { Graph } from '../../ir/model.js';
import type { Plan, WeightPlan } from '../../plan/types.js';
import { type RoundedWeights, weightKey } from '../../quantize/index.js';
import { type Draft, withMeans } from '../draft.js';
import { centredIn, roundedFor } from './rounding.js';

/**
 * The draft with the weights and means that its plan asks for, which is what `apply` makes of the plan file: formats of
 * activations, and layers left in float, change what the layers behind them have to be rounded for.
 * @param before the draft that it was made of
 */
export async function settled(draft: Draft, before: Draft): Promise<Draft> {
  if (!draft.rounded) return withMeans(draft);
  if (before.plan.trained) return { ...draft, rounded: unchanged(draft.rounded, draft.plan, before.plan) };
  return withMeans({ ...draft, rounded: await roundedFor(draft, reusable(draft, before)) });
}

/** What was trained stays as it is where formats do: no pass over the samples would find it again. */
function unchanged(rounded: RoundedWeights, plan: Plan, earlier: Plan): RoundedWeights {
  const formats = new Map(earlier.weights.map((w) => [weightKey(w), w.format]));
  const same = new Set(plan.weights.filter((w) => formats.get(weightKey(w)) === w.format).map(weightKey));
  return new Map([...rounded].filter(([key]) => same.has(key)));
}

/** Weights of an earlier draft that rounding anew would leave as they are: nothing that they were rounded for differs. */
export function reusable(
  { plan, job }: Pick<Draft, 'job' | 'plan'>,
  { plan: earlier, job: { prepared }, rounded = new Map() }: Pick<Draft, 'job' | 'plan' | 'rounded'>,
): RoundedWeights {
  const { graph } = job.prepared;
  if (opsetVersion(job.prepared) !== opsetVersion(prepared)) return new Map();
  const [now, then] = [statements(plan, graph), statements(earlier, graph)];
  const touched = new Set([...besides(now, then), ...besides(then, now)]);
  const ahead = new Set<string>();
  for (const { name = '' } of graph.nodes) {
    if (touched.has(name)) break;
    ahead.add(name);
  }
  const stays = (w: WeightPlan): boolean =>
    then.has(statement(w, plan)) && (w.rounding === 'hessian' || w.uses.every(({ node }) => ahead.has(node)));
  const kept = plan.weights.filter((w) => rounded.has(weightKey(w)) && stays(w));
  return new Map(kept.map((w) => [weightKey(w), rounded.get(weightKey(w))!]));
}

/** What a plan says that rounding depends on, with the nodes that it is said of. */
function statements(plan: Plan, graph: Graph): Map<string, string[]> {
  const { uses } = links(graph);
  return new Map([
    ...plan.weights.map((w) => [statement(w, plan), w.uses.map(({ node }) => node)] as const),
    ...plan.activations.map(
      (a) => [JSON.stringify(a), (uses.get(a.tensor) ?? []).map(({ node }) => node.name ?? '')] as const,
    ),
    ...plan.integer.map((i) => [JSON.stringify(i), [i.node]] as const),
  ] as [string, string[]][]);
}

const statement = (weight: WeightPlan, plan: Plan): string =>
  JSON.stringify([weight, centredIn(plan).has(weight.tensor)]);

/** Nodes of what one plan says and the other does not. */
const besides = (some: ReadonlyMap<string, string[]>, others: ReadonlyMap<string, string[]>): string[] =>
  [...some].flatMap(([said, nodes]) => (others.has(said) ? [] : nodes));
