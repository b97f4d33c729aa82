import type { SampleSource } from '../data/types.js';
import { QuantizeError } from '../errors.js';
import type { Model, Node } from '../ir/model.js';
import type { WeightPlan } from '../plan/types.js';
import { openModel } from '../runtime/index.js';
import type { Feeds, Session, TensorValue, ValueMeta } from '../runtime/types.js';
import { DamageSums } from './damage.js';
import { ON, PROBE_LEVEL, type Probe, probeOf, readsOf } from './probe.js';
import { type Segment, segmentsOf } from './segments.js';
import type { Damage } from './types.js';

/** One thing to try: a weight with other values, or activations on their grids. */
export interface Trial {
  weights?: ReadonlyMap<WeightPlan, Float32Array>;
  /** Tensors to round; `all` of those that the model rounds. */
  activations?: readonly string[] | 'all';
}

export interface MeasureOptions {
  /** Class of each sample by its index. */
  labels?: ArrayLike<number | undefined>;
  limit: number;
  threads?: number;
  signal?: AbortSignal;
  /** Relative work of a node, for cutting the network where tails are short. */
  work(node: Node): number;
  onProgress?(done: number, total: number | undefined): void;
}

/** Sessions of tails; more bring little, as each layer still runs to the end. */
const SEGMENTS = 8;

/**
 * What each trial does to the outputs, against the model with nothing tried. Weights and the switches of activations are
 * inputs of a few sessions, so none is opened for a trial, and each runs only from its first change to the outputs.
 * @param model the float model with Q/DQ pairs around the activations that may be rounded
 * @param plans weights that trials change
 * @throws QuantizeError RUN_FAILED (invalid), INTERRUPTED
 */
export async function measureTrials(
  model: Model,
  plans: readonly WeightPlan[],
  types: ReadonlyMap<string, ValueMeta>,
  source: SampleSource,
  trials: readonly Trial[],
  options: MeasureOptions,
): Promise<{ damages: Damage[]; samples: number }> {
  const probe = probeOf(model, plans);
  const seen = new Map(types);
  for (const [view, tensor] of probe.views) if (types.has(tensor)) seen.set(view, types.get(tensor)!);
  const segments = segmentsOf(probe.model, seen, options.work, SEGMENTS);
  const sessions: Session[] = [];
  try {
    for (const segment of segments)
      sessions.push(await openModel(segment.model, { threads: options.threads, optimize: PROBE_LEVEL }));
    return await new Measurement(probe, segments, sessions, trials, options).over(source);
  } finally {
    await Promise.all(sessions.map((session) => session.release()));
  }
}

class Measurement {
  private readonly sums: DamageSums[];
  private readonly outputs: string[];
  private readonly changes: Map<string, TensorValue>[];
  private readonly starts: number[];

  constructor(
    private readonly probe: Probe,
    private readonly segments: readonly Segment[],
    private readonly sessions: readonly Session[],
    trials: readonly Trial[],
    private readonly options: MeasureOptions,
  ) {
    this.sums = trials.map(() => new DamageSums());
    this.outputs = probe.model.graph.outputs.map((o) => o.name);
    this.changes = trials.map((trial) => changesOf(trial, probe));
    this.starts = this.changes.map((changes) => this.segmentFor(changes));
  }

  async over(source: SampleSource): Promise<{ damages: Damage[]; samples: number }> {
    const { limit, signal, onProgress, labels } = this.options;
    const total = Math.min(limit, source.count ?? limit);
    let samples = 0;
    for await (const { feeds, index } of source.samples()) {
      const whole = await this.run(0, feeds, new Map(), Object.keys(fetchesOf(this.sessions[0])));
      const float = Object.fromEntries(this.outputs.map((name) => [name, whole[name]]));
      for (const [i, changes] of this.changes.entries()) {
        if (signal?.aborted) throw new QuantizeError('interrupted', 'INTERRUPTED', 'stopped as asked');
        const changed = await this.run(this.starts[i], { ...feeds, ...whole }, changes, this.outputs);
        this.sums[i].add(float, changed, (row, rows) => labels?.[index * rows + row]);
        onProgress?.(samples * this.changes.length + i + 1, total * this.changes.length);
      }
      if (++samples === limit) break;
    }
    return { damages: this.sums.map((s) => s.damage), samples };
  }

  /** The last segment that holds all that changes. */
  private segmentFor(changes: ReadonlyMap<string, TensorValue>): number {
    const first = this.probe.model.graph.nodes.findIndex((n) => readsOf(n).some((name) => changes.has(name)));
    return this.segments.findLastIndex((segment) => segment.from <= Math.max(0, first));
  }

  private run(
    segment: number,
    feeds: Feeds,
    changes: ReadonlyMap<string, TensorValue>,
    outputs: readonly string[],
  ): Promise<Record<string, TensorValue>> {
    const session = this.sessions[segment];
    const given = session.inputs.flatMap(({ name }) => {
      const value = changes.get(name) ?? this.probe.float.get(name) ?? feeds[name];
      return value ? [[name, value] as const] : [];
    });
    return session.run(Object.fromEntries(given), Object.fromEntries(outputs.map((name) => [name, null])));
  }
}

const fetchesOf = (session: Session): Record<string, null> =>
  Object.fromEntries(session.outputs.filter((o) => o.dtype !== undefined).map((o) => [o.name, null]));

function changesOf({ weights, activations = [] }: Trial, probe: Probe): Map<string, TensorValue> {
  const changes = new Map<string, TensorValue>();
  for (const [plan, data] of weights ?? []) {
    const name = probe.weights.get(plan);
    if (name) changes.set(name, { ...probe.float.get(name)!, data });
  }
  const rounded = activations === 'all' ? [...probe.switches.keys()] : activations;
  for (const tensor of rounded) {
    const name = probe.switches.get(tensor);
    if (name) changes.set(name, ON);
  }
  return changes;
}
