import type { SampleSource } from '../../data/types.js';
import { intAttribute, isOp, links } from '../../ir/graph.js';
import type { Model, Tensor } from '../../ir/model.js';
import { inferTypes } from '../../prepare/index.js';
import { rankCorrelation, rowsOf } from '../../sensitivity/index.js';
import type { FisherSummary } from '../../sensitivity/types.js';
import {
  type Fisher,
  type FisherProblem,
  fisherGraph,
  fisherOf,
  openForecaster,
  type Watched,
} from '../../train/index.js';
import type { Draft } from '../draft.js';
import { type Job, note } from '../stages.js';
import { graphBytes, requireMemory } from '../training/memory.js';
import { firstOf } from '../training/samples.js';
import { type Sized, sized } from '../training/sizes.js';
import { unreached } from '../training/unreached.js';
import type { Profile } from './profile.js';

/**
 * Adds to every candidate of a profile what Fisher's information of its weight forecasts.
 * @throws QuantizeError TRAIN_SHAPES, TRAIN_MEMORY (unsupported); NO_SAMPLES, RUN_FAILED (invalid); INTERRUPTED
 */
export async function addForecasts(
  { job }: Draft,
  profile: Profile,
  { source, limit }: { source: SampleSource; limit: number },
): Promise<FisherSummary> {
  const first = await firstOf(source);
  const rows = Object.values(first)[0]?.dims[0] ?? 1;
  const problem = problemOf(await sized(job.prepared, first, rows), profile);
  await checkMemory(problem, job);
  const { threads, signal, seed = 0, onProgress } = job.options;
  const fisher = await fisherOf(problem, source, {
    ...{ limit, seed, threads, signal },
    onProgress: (done) =>
      onProgress?.({ stage: 'gradients', done, total: Math.min(limit, source.count ?? limit) }),
  });
  tell(job, fisher);
  await forecast(problem, fisher, profile);
  const forecasts = problem.watched[0].classes === undefined ? 'noise' : 'kl';
  return {
    forecasts,
    samples: fisher.samples,
    rankCorrelation: rankCorrelation(pairsOf(profile, forecasts)),
  };
}

function problemOf({ model, dims }: Sized, { layers }: Profile): FisherProblem {
  const wanted = new Set([...layers.values()].map((l) => l.tensor));
  const weights = model.graph.initializers.filter((t) => wanted.has(t.name ?? ''));
  return { model, dims, weights, watched: watchedOf(model, dims) };
}

/** The output that has classes, as measured damage takes it; every output where none has. */
export function watchedOf(model: Model, dims: ReadonlyMap<string, number[]>): Watched[] {
  const outputs = model.graph.outputs.map((o) => o.name);
  for (const value of outputs) {
    const shape = rowsOf(dims.get(value)!);
    if (shape) return [{ value: scoresOf(model, dims, value, shape.classes), classes: shape.classes }];
  }
  return outputs.map((value) => ({ value }));
}

/** Operators that keep the order of values. */
const ORDERLY = ['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity'];

/** What comes before the Softmax that an output ends in: of probabilities, the softmax would not be the model's opinion. */
function scoresOf(
  model: Model,
  dims: ReadonlyMap<string, number[]>,
  output: string,
  classes: number,
): string {
  const { producer } = links(model.graph);
  let value = output;
  for (let maker = producer.get(value); isOp(maker, ...ORDERLY); maker = producer.get(value))
    value = maker.inputs[0];
  const maker = producer.get(value);
  if (!isOp(maker, 'Softmax')) return output;
  const shape = dims.get(maker.inputs[0])!;
  const axis = intAttribute(maker, 'axis', -1);
  const behind = shape.slice(axis < 0 ? axis + shape.length : axis);
  return behind[0] === classes && behind.slice(1).every((d) => d === 1) ? maker.inputs[0] : output;
}

/** `--memory` is of a batch's activations; without it, of all that the machine has. */
async function checkMemory(problem: FisherProblem, { options }: Job): Promise<void> {
  const { model } = fisherGraph(problem);
  const bytes = graphBytes(model.graph, await inferTypes(model));
  const standing = options.memory === undefined ? process.memoryUsage().rss : 0;
  requireMemory(standing + bytes, 1, options.memory, 'a backward pass');
}

function tell(job: Job, fisher: Fisher): void {
  if (fisher.frozen.length > 0)
    note(job, {
      level: 'warning',
      code: 'FISHER_UNREACHED',
      message: `without a forecast: ${fisher.frozen.length} of the weights ${unreached(fisher)}`,
    });
  if (fisher.skipped > 0)
    note(job, {
      level: 'warning',
      code: 'FISHER_SIZES',
      message: `${fisher.skipped} samples of other sizes than the first say nothing in forecasts`,
    });
}

async function forecast({ model, weights }: FisherProblem, fisher: Fisher, profile: Profile): Promise<void> {
  const tensors = new Map(weights.map((t): [string, Tensor] => [t.name!, t]));
  const forecaster = await openForecaster(fisher, model);
  try {
    for (const [place, { tensor, candidates }] of profile.layers)
      for (const row of candidates) {
        const { values } = profile.variants.get(row.candidate)!.get(place)!;
        const weight = tensors.get(tensor);
        row.forecast = weight && (await forecaster.of(weight, values));
      }
  } finally {
    await forecaster.release();
  }
}

/** Forecasts beside what was measured. */
const pairsOf = ({ layers }: Profile, kind: FisherSummary['forecasts']): [number, number][] =>
  [...layers.values()].flatMap(({ candidates }) =>
    candidates.flatMap(({ forecast, global }): [number, number][] =>
      forecast === undefined || global.estimated ? [] : [[forecast, global[kind] ?? 0]],
    ),
  );
