import { elementOf } from '../../kernels/grid.js';
import { createKernels, type Kernels } from '../../kernels/wasm.js';
import type { SampleSource } from '../data/types.js';
import type { Model, Tensor } from '../ir/model.js';
import { finiteValues } from '../ir/tensor.js';
import type { WeightPlan } from '../plan/types.js';
import type { ValueMeta } from '../runtime/types.js';
import { gridOf, shapeOf } from './grid.js';
import {
  groupTasks,
  type LinearForm,
  type MomentOptions,
  type Moments,
  secondMoments,
  type Task,
  tasksOf,
} from './hessian/index.js';
import { importanceOf } from './importance.js';
import { codebookOf, type RoundedWeight, roundByMoments } from './round.js';
import { foursAreColumns, sparse } from './sparse.js';

/** By `weightKey`. */
export type RoundedWeights = ReadonlyMap<string, RoundedWeight>;

/** A weight may be read in several ways; each is a plan of its own. */
export const weightKey = ({ tensor, axis, weightOnly }: WeightPlan): string =>
  JSON.stringify([tensor, axis ?? null, weightOnly]);

export interface RoundOptions extends Omit<MomentOptions, 'rounded'> {
  /** Bytes that the matrices of one pass may take; layers that need more come in several passes. */
  memory?: number;
  /** Given: layers are rounded in turn, each for the inputs that the model so far gives it, which this makes. */
  soFar?(rounded: RoundedWeights, left: ReadonlySet<string>): Model;
  /** Weights behind which a bias makes up for a mean error. */
  centred?: ReadonlySet<string>;
  /** Weights that were rounded before and stay as they are. */
  known?: RoundedWeights;
}

const DEFAULT_MEMORY = 256 * 2 ** 20;
/** A sum in float64, and an addend in float32 in the graph and outside. */
const BYTES_PER_ELEMENT = 16;
/** Scratch of the kernels: weights stay where they are and pass through in pieces. */
const KERNEL_BYTES = 1 << 20;

/** Steps of a rounding in turn: passes of the model over the samples. */
export const turnsOf = (
  model: Model,
  weights: readonly WeightPlan[],
  types: ReadonlyMap<string, ValueMeta>,
): number => tasksOf(model, weights, types).length;

/**
 * Rounds weights so that the outputs of their layers err least, by second moments of their inputs (see LayerRounding).
 * All at once for the inputs of the float model, in as few passes as the memory allows, or in turn.
 * @returns what was rounded, now or before; weights that are no matrix, or whose format has no codebook, are missing
 * @throws QuantizeError WEIGHT_NOT_FINITE, RUN_FAILED (invalid)
 */
export async function roundWeights(
  model: Model,
  weights: readonly WeightPlan[],
  types: ReadonlyMap<string, ValueMeta>,
  source: SampleSource,
  { memory = DEFAULT_MEMORY, soFar, centred = new Set(), known = new Map(), ...options }: RoundOptions = {},
): Promise<Map<string, RoundedWeight>> {
  const open = weights.filter((w) => !known.has(weightKey(w)));
  const tasks = tasksOf(model, open, types);
  const rounder = new Rounder(model, tasks, centred, known);
  const passes = soFar ? tasks.map((task) => [task]) : groupTasks(tasks, memory, BYTES_PER_ELEMENT);
  for (const [i, pass] of passes.entries()) {
    const onProgress = (done: number, total: number) =>
      options.onProgress?.(i * total + done, passes.length * total);
    const rounded = soFar?.(rounder.rounded, rounder.left);
    const moments = await secondMoments(model, pass, types, source, { ...options, rounded, onProgress });
    pass.forEach((task, t) => {
      rounder.take(task, moments[t]);
    });
  }
  return rounder.rounded;
}

class Rounder {
  readonly rounded: Map<string, RoundedWeight>;
  /** Weights that wait for their moments. */
  readonly left: Set<string>;
  private readonly waiting = new Map<string, { tasks: number; moments?: Moments }>();
  private readonly constants: Map<string, Tensor>;
  private readonly kernels: Kernels = createKernels(KERNEL_BYTES);

  constructor(
    model: Model,
    tasks: readonly Task[],
    private readonly centred: ReadonlySet<string>,
    known: RoundedWeights,
  ) {
    this.rounded = new Map(known);
    this.constants = new Map(model.graph.initializers.map((t) => [t.name ?? '', t]));
    for (const { plan } of tasks.flatMap((task) => task.weights)) {
      const { tasks: others } = this.waiting.get(weightKey(plan)) ?? { tasks: 0 };
      this.waiting.set(weightKey(plan), { tasks: others + 1 });
    }
    this.left = new Set(this.waiting.keys());
  }

  /** Rounds the weights of a task, those that several nodes read when the moments of all are there. */
  take(task: Task, moments: Moments): void {
    for (const { plan, form } of task.weights) {
      const entry = this.waiting.get(weightKey(plan))!;
      entry.tasks--;
      entry.moments = entry.moments ? sumOf(entry.moments, moments) : moments;
      if (entry.tasks > 0) continue;
      this.left.delete(weightKey(plan));
      const rounded = this.round(plan, form, entry.moments);
      if (rounded) this.rounded.set(weightKey(plan), rounded);
      entry.moments = undefined;
    }
  }

  private round(plan: WeightPlan, form: LinearForm, moments: Moments): RoundedWeight | undefined {
    const tensor = this.constants.get(plan.tensor)!;
    const { dims } = tensor;
    const weights = finiteValues(tensor);
    const { values, mask } = sparse(plan, dims, weights);
    const free = plan.sparsity?.pattern === '2:4';
    if (free && !foursAreColumns(plan.sparsity!, dims, form)) return undefined;
    const centred = this.centred.has(plan.tensor);
    const importance = importanceOf(values.length, form, moments);
    const params = gridOf(plan, dims, values, this.kernels, importance);
    const codebook = codebookOf(elementOf(plan.format), plan.symmetric, params);
    const how = { centred, zeros: mask && { mask, free } };
    return roundByMoments(weights, shapeOf(plan, dims), params, codebook, form, moments, how);
  }
}

const plus = (a: Float64Array, b: Float64Array): Float64Array => a.map((x, i) => x + b[i]);

/** A weight that several nodes read errs in all of them; their means are those of different things. */
const sumOf = (a: Moments, b: Moments): Moments => ({
  moments: plus(a.moments, b.moments),
  mean: new Float64Array(a.mean.length),
  perSample: a.perSample + b.perSample,
  vectors: a.vectors + b.vectors,
  ...(a.drift && b.drift && { drift: plus(a.drift, b.drift) }),
});
