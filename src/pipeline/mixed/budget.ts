import { type Choice, leastCost, leastDamage } from '../../../kernels/knapsack.js';
import type { Target } from '../../../targets/types.js';
import { emitQdq } from '../../emit/index.js';
import { unsupportedError, usageError } from '../../errors.js';
import { encodedSize } from '../../onnx/index.js';
import type { Plan } from '../../plan/types.js';
import { quantizeNumbers } from '../../quantize/index.js';
import { buildReport } from '../../report/index.js';
import type { Report, SpeedAndPower } from '../../report/types.js';
import { digits } from '../../report/units.js';
import type { Profile } from '../damage/profile.js';
import type { Draft } from '../draft.js';

/** What a mixed scheme may take: bytes of the file, milliseconds or millijoules of a run on the target. */
export interface Budget {
  of: 'size' | 'latency' | 'energy';
  value: number;
  /** `value` (0…) is a share of what the float model takes. */
  share: boolean;
}

/** @throws QuantizeError BUDGET_UNMODELLED (unsupported) where nothing says what a budget would limit */
export function requireModelled({ name, timing, power }: Target, { of }: Budget): void {
  if (of === 'size' || (timing === 'modelled' && (of === 'latency' || power))) return;
  throw unsupportedError('BUDGET_UNMODELLED', `there is no model of the ${of} on ${name}`, {
    hint: 'give a budget of size, or name a chip that `quantize targets` lists',
  });
}

/** What the model takes besides its layers, and each layer in each candidate format, in the order of the profile. */
export interface CostTable {
  fixed: number;
  /** One choice a candidate. */
  layers: Choice[][];
  /** The float model. */
  float: number;
  unit: string;
}

const UNITS = { size: 'bytes', latency: 'ms', energy: 'mJ' } as const;

/**
 * Costs as the reports have them: bytes that weights are stored in, or time and energy of the kernels that read them,
 * from one modelled run a candidate.
 */
export function costTable(draft: Draft, found: Profile, of: Budget['of']): CostTable {
  const runs = found.candidates.map(({ id }) => {
    const plan = { ...draft.plan, weights: [...found.variants.get(id)!.values()].map((v) => v.plan) };
    const report = of === 'size' ? undefined : modelledReport(draft, plan);
    const each = perLayer(found, id, report, of);
    const total = report ? totalOf(report.quantized, of) : fileSize(draft, plan);
    return { each, fixed: total - each.reduce((sum, c) => sum + c, 0), report };
  });
  return {
    // What is not of one layer hardly differs; the largest keeps the promise.
    fixed: Math.max(...runs.map((run) => run.fixed)),
    layers: [...found.layers.values()].map((layer, l) =>
      layer.candidates.map((c, i) => ({ cost: runs[i].each[l], damage: c.global.noise })),
    ),
    float: runs[0].report ? totalOf(runs[0].report.float, of) : draft.job.loaded.bytes,
    unit: UNITS[of],
  };
}

const modelledReport = ({ job, types }: Draft, plan: Plan): Report =>
  buildReport({
    name: job.options.model,
    loaded: job.loaded,
    prepared: job.prepared,
    types,
    target: job.target,
    plan,
    settings: { batch: job.options.batch },
  });

const fileSize = ({ job }: Draft, plan: Plan): number =>
  encodedSize(emitQdq(job.prepared, plan, quantizeNumbers(job.prepared, plan).numbers));

const totalOf = ({ latencyMs, energyMj }: SpeedAndPower, of: Budget['of']): number =>
  of === 'latency' ? latencyMs.value : (energyMj?.value ?? 0);

/** Of the kernel that a layer is in, in the budget's unit; layers of one kernel share it. */
function perLayer(found: Profile, id: string, report: Report | undefined, of: Budget['of']): number[] {
  if (!report)
    return [...found.layers.values()].map((l) => l.candidates.find((c) => c.candidate === id)!.bytes);
  const rows = new Map(report.layers.flatMap((row) => [row.node, ...(row.fused ?? [])].map((n) => [n, row])));
  const sharing = new Map<unknown, number>();
  const nodes = [...found.layers.values()].map((l) => l.node);
  for (const node of nodes) sharing.set(rows.get(node), (sharing.get(rows.get(node)) ?? 0) + 1);
  return nodes.map((node) => {
    const row = rows.get(node);
    const micro = of === 'latency' ? row?.timeUs?.value : row?.energyUj?.value;
    return (micro ?? 0) / 1000 / sharing.get(row)!;
  });
}

/** A choice of formats: ids by place, with what the additive model says of it. */
export interface Allocation {
  formats: Map<string, string>;
  cost: number;
  /** Noise over signal at the outputs. */
  noise: number;
}

/**
 * The formats of least damage within a budget, by an exact search.
 * @param limit in the table's unit, for the whole model
 * @throws QuantizeError BUDGET_INFEASIBLE (usage) naming the smallest budget that can be met
 */
export function allocate(found: Profile, table: CostTable, limit: number): Allocation {
  const selection = leastDamage(table.layers, limit - table.fixed);
  if (!selection) {
    const least = table.fixed + leastCost(table.layers);
    throw usageError(
      'BUDGET_INFEASIBLE',
      `no choice among ${found.candidates.map((c) => c.id).join(', ')} meets a budget of ${digits(limit)} ${table.unit}`,
      {
        hint: `the smallest is ${digits(least)} ${table.unit}, ${(Math.ceil((1000 * least) / table.float) / 10).toFixed(1)} % of the float model; formats of fewer bits (--candidates) take less`,
      },
    );
  }
  const places = [...found.layers.keys()];
  return {
    formats: new Map(places.map((place, l) => [place, found.candidates[selection.choices[l]].id])),
    cost: table.fixed + selection.cost,
    noise: selection.damage + found.activationsOnly.noise,
  };
}

export const leastOf = ({ layers }: CostTable): number => leastCost(layers);
const mostOf = ({ layers }: CostTable): number =>
  layers.reduce((sum, choices) => sum + Math.max(...choices.map((c) => c.cost)), 0);

/** Steps of a budget between the least and the most that layers can take. */
const BUDGET_STEPS = 20;

/** Budgets from the least that can be met to the most that can be used, in equal ratios of what the layers take. */
export function budgetsOf(table: CostTable): number[] {
  const [least, most] = [leastOf(table), mostOf(table)];
  return Array.from(
    { length: BUDGET_STEPS },
    (_, i) =>
      table.fixed + (i === BUDGET_STEPS - 1 ? most : least * (most / least) ** (i / (BUDGET_STEPS - 1))),
  );
}
