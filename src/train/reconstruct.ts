import { LOSS } from './graph.js';
import { stepsAnEpoch } from './loop.js';
import { shuffled, uniform } from './random.js';
import { batchesOf, rowsOf, type Table } from './rows.js';
import { paceAt, type Schedule } from './schedule.js';
import { copyState } from './state.js';
import { type Evaluator, openTrainer, type Trainer } from './trainer.js';
import type { Problem, State } from './types.js';

/** What the networks bring to a block, and what the block is to make of it: what the float one does. */
export interface Material {
  /** Of the quantized network. */
  inputs: Table;
  /** Of the float one. */
  float: Table;
  /** By the names of the targets. */
  wanted: Table;
}

export interface BlockOptions {
  batch: number;
  schedule: Schedule;
  seed: number;
  /** Share of the steps in which the inputs are the float network's. */
  floatShare: number;
  /** Samples to fit to. */
  fit: readonly number[];
  /** How bad a state is, on samples that it is not fitted to. */
  judge(state: State): Promise<number>;
  threads?: number;
}

/** How often on the way the judges are asked. */
const LOOKS = 4;
/** How much it counts that codes are not decided, next to the error of the block as it starts. */
const DECISION = 1;
/**
 * Trains a block alone, so that what it makes of its inputs is what the float one makes of its own (BRECQ, arXiv
 * 2102.05426, its objective); in a share of the steps the inputs are the float network's too (QDrop, arXiv 2203.05740).
 * @returns the best state by samples that it was not fitted to; where nothing beat the start, that one
 */
export async function reconstructBlock(
  problem: Problem,
  evaluator: Evaluator,
  material: Material,
  start: State,
  options: BlockOptions,
): Promise<{ state: State; before: number; after: number }> {
  const before = await options.judge(start);
  let best = { state: copyState(start), loss: before };
  const unit = await lossOf(evaluator, material, start, options.fit.slice(0, options.batch), options.batch);
  const schedule = { ...options.schedule, decision: DECISION * unit };
  const trainer = await openTrainer(problem, options.threads);
  trainer.state = copyState(start);
  try {
    for (let look = 1; look <= LOOKS; look++) {
      await stretch(trainer, material, { ...options, schedule }, look);
      const loss = await options.judge(trainer.state);
      if (loss < best.loss) best = { state: copyState(trainer.state), loss };
    }
  } finally {
    await trainer.release();
  }
  return { state: best.state, before, after: best.loss };
}

/** The steps up to a look at the judges. */
async function stretch(
  trainer: Trainer,
  { inputs, float, wanted }: Material,
  { batch, schedule, seed, fit, floatShare }: BlockOptions,
  look: number,
): Promise<void> {
  const at = (share: number) => Math.round((share * schedule.steps) / LOOKS);
  const each = stepsAnEpoch(fit.length, batch);
  for (let step = at(look - 1) + 1; step <= at(look); step++) {
    const epoch = Math.floor((step - 1) / each);
    const first = ((step - 1) % each) * batch;
    const order = shuffled(fit, seed, epoch);
    const numbers = Array.from({ length: batch }, (_, i) => order[(first + i) % order.length]);
    const from = uniform(seed, step, 0) < floatShare ? float : inputs;
    const feeds = { ...rowsOf(from, numbers), ...rowsOf(wanted, numbers) };
    await trainer.step(feeds, paceAt(schedule, step));
  }
}

/** The mean loss on some samples, for the values that the quantized network brings. */
export async function lossOf(
  evaluator: Evaluator,
  { inputs, wanted }: Pick<Material, 'inputs' | 'wanted'>,
  state: State,
  numbers: readonly number[],
  batch: number,
): Promise<number> {
  const batches = batchesOf(numbers, batch);
  let sum = 0;
  for (const part of batches) {
    const out = await evaluator.run({ ...rowsOf(inputs, part), ...rowsOf(wanted, part) }, state);
    sum += out[LOSS].data[0] as number;
  }
  return sum / batches.length;
}
