import { findFormat } from '../../kernels/formats.js';
import { EDGES } from '../../kernels/histogram.js';
import type { Stats, TensorStats } from '../calibrate/types.js';
import { dtypeName } from '../ir/dtypes.js';
import type { Model, Tensor } from '../ir/model.js';
import { floatValues } from '../ir/tensor.js';
import type { ActivationPlan, Plan } from '../plan/types.js';

/** Values of a tensor, counted in equal bins from `from` to `to`. */
export interface Distribution {
  tensor: string;
  kind: 'weight' | 'activation';
  format: string;
  from: number;
  to: number;
  counts: number[];
  /** Where the grid ends, for a tensor with one scale. */
  clip?: [number, number];
  /** Share (0…1) of the values beyond it. */
  clipped?: number;
}

const BINS = 58;
/** Values of a weight that are looked at: evenly spread ones of a larger tensor. */
const LOOKED_AT = 2 ** 16;
const FLOATS: ReadonlySet<string | undefined> = new Set(['float32', 'float16', 'bfloat16']);

/** Histograms of what the plan quantizes: weights that the model holds, activations that statistics hold. */
export function distributions(model: Model, plan: Plan, stats?: Stats): Distribution[] {
  const constants = new Map(model.graph.initializers.map((t) => [t.name ?? '', t]));
  const weights = plan.weights.flatMap(({ tensor, format }) => {
    const constant = constants.get(tensor);
    const readable = constant && FLOATS.has(dtypeName(constant.dataType)) && !constant.external?.absent;
    return readable ? ofWeight(constant, format) : [];
  });
  const activations = plan.activations.flatMap((planned) => {
    const seen = stats?.tensors.get(planned.tensor);
    return seen && seen.count > 0 && seen.max > seen.min ? [ofActivation(planned, seen)] : [];
  });
  return [...weights, ...activations];
}

function ofWeight(tensor: Tensor, format: string): Distribution[] {
  const values = floatValues(tensor);
  const step = Math.max(1, Math.ceil(values.length / LOOKED_AT));
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i += step) {
    from = Math.min(from, values[i]);
    to = Math.max(to, values[i]);
  }
  if (!(to > from && Number.isFinite(to - from))) return [];
  const counts = new Array<number>(BINS).fill(0);
  const scale = BINS / (to - from);
  for (let i = 0; i < values.length; i += step)
    counts[Math.min(BINS - 1, Math.floor((values[i] - from) * scale))]++;
  return [{ tensor: tensor.name!, kind: 'weight', format, from, to, counts }];
}

function ofActivation(planned: ActivationPlan, stats: TensorStats): Distribution {
  const { min: from, max: to } = stats;
  const spread = new Spread(from, to);
  for (const [sign, counts] of [
    [1, stats.positive],
    [-1, stats.negative],
  ] as const)
    for (const [bucket, count] of counts.entries())
      if (count > 0) spread.add(sign * EDGES[bucket], sign * EDGES[bucket + 1], count);
  const clip = clipOf(planned);
  const { tensor, format } = planned;
  const counts = spread.counts.map(Math.round);
  const clipped = clip && spread.beyond(clip) / stats.count;
  return { tensor, kind: 'activation', format, from, to, counts, ...(clip && { clip, clipped }) };
}

/** Ends of the grid in values. */
function clipOf({ format, scale, zeroPoint }: ActivationPlan): [number, number] | undefined {
  const row = findFormat(format);
  if (!row) return undefined;
  return row.kind === 'integer'
    ? [(row.qmin - zeroPoint) * scale, (row.qmax - zeroPoint) * scale]
    : [-row.largest * scale, row.largest * scale];
}

/** Equal bins that take the counts of uneven ones, each spread evenly over its width. */
class Spread {
  readonly counts = new Array<number>(BINS).fill(0);
  private readonly parts: [low: number, high: number, count: number][] = [];

  constructor(
    private readonly from: number,
    private readonly to: number,
  ) {}

  add(a: number, b: number, count: number): void {
    const low = Math.max(Math.min(a, b), this.from);
    const high = Math.min(Math.max(a, b), this.to);
    this.parts.push([low, high, count]);
    const width = (this.to - this.from) / BINS;
    const binOf = (x: number) => Math.min(BINS - 1, Math.max(0, Math.floor((x - this.from) / width)));
    const [first, last] = [binOf(low), binOf(high)];
    for (let bin = first; bin <= last; bin++) {
      const start = Math.max(low, this.from + bin * width);
      const end = Math.min(high, this.from + (bin + 1) * width);
      this.counts[bin] += first === last ? count : (count * (end - start)) / (high - low);
    }
  }

  /** Count outside [low, high]; a bin that an end cuts counts in proportion. */
  beyond([least, most]: readonly [number, number]): number {
    let total = 0;
    for (const [low, high, count] of this.parts) {
      const inside = Math.max(0, Math.min(high, most) - Math.max(low, least));
      const whole = high > low ? inside / (high - low) : Number(low >= least && low <= most);
      total += count * (1 - whole);
    }
    return total;
  }
}
