import { openModel } from '../runtime/index.js';
import type { Feeds, Session, TensorValue } from '../runtime/types.js';
import type { Cut } from './backward.js';
import {
  DECISION,
  DRAW,
  forwardGraph,
  LOSS,
  NORM,
  next,
  RATES,
  SHARE,
  STATE,
  trainingGraph,
} from './graph.js';
import { corrections } from './optimiser.js';
import { copyState, initialState, stateOf, vectorsOf } from './state.js';
import type { Problem, State } from './types.js';

/** What the schedule says of one step. */
export interface Pace {
  /** Counted from 1. */
  step: number;
  rate: number;
  scaleRate: number;
  /** Share of rounding that takes effect, 0…1; counts with annealing only. */
  share: number;
  /** How much it counts that codes are not decided yet, and how sharply (`soft-rounding.ts`). */
  decision?: { weight: number; power: number };
  /** Decides how weights are rounded at random, a whole number below 2³². */
  draw?: number;
}

/** Networks are trained with it one step after the other. */
export interface Trainer {
  frozen: string[];
  cuts: Cut[];
  /** Of the next step; set it to go on from elsewhere. */
  state: State;
  /** @throws QuantizeError RUN_FAILED (invalid) */
  step(batch: Feeds, pace: Pace): Promise<{ loss: number; norm: number }>;
  release(): Promise<void>;
}

const scalar = (value: number): TensorValue => ({ dtype: 'float32', dims: [], data: Float32Array.of(value) });
const flat = (data: Float32Array): TensorValue => ({ dtype: 'float32', dims: [data.length], data });

/** State as graph values under `named` names; empty vectors are none. */
const values = (state: State, named: (name: string) => string): Feeds =>
  Object.fromEntries(vectorsOf(state).flatMap((v, i) => (v.length > 0 ? [[named(STATE[i]), flat(v)]] : [])));

/**
 * Opens the training graph. onnxruntime writes each step's state into one of two sets of arrays in turn, so nothing is
 * copied or made anew.
 */
export async function openTrainer(problem: Problem, threads?: number): Promise<Trainer> {
  const { model, layout, frozen, cuts } = trainingGraph(problem);
  const session = await openModel(model, { threads, lean: true, keepQdq: true });
  const inputs = new Set(session.inputs.map((i) => i.name));
  let spare: State | undefined;
  const trainer: Trainer = {
    frozen,
    cuts,
    state: initialState(layout, problem.model.graph.initializers),
    async step(batch, pace) {
      spare ??= copyState(trainer.state);
      const feeds = { ...batch, ...rates(pace), ...values(trainer.state, (n) => n) };
      const known = Object.fromEntries(Object.entries(feeds).filter(([name]) => inputs.has(name)));
      const out = await session.run(known, { ...values(spare, next), [LOSS]: null, [NORM]: null });
      [trainer.state, spare] = [spare, trainer.state];
      return { loss: first(out[LOSS]), norm: first(out[NORM]) };
    },
    release: () => session.release(),
  };
  return trainer;
}

const first = ({ data }: TensorValue): number => data[0] as number;

function rates({ step, rate, scaleRate, share, decision = { weight: 0, power: 2 }, draw = 0 }: Pace): Feeds {
  const [one, two] = corrections(step);
  const all = [rate, scaleRate, one, two];
  const decisions = [decision.weight, decision.power];
  return {
    ...Object.fromEntries(RATES.map((name, i) => [name, scalar(all[i])])),
    ...Object.fromEntries(DECISION.map((name, i) => [name, scalar(decisions[i])])),
    [SHARE]: scalar(share),
    [DRAW]: { dtype: 'uint32', dims: [], data: Uint32Array.of(draw) },
  };
}

/** The forward pass of the network as it is trained. */
export interface Evaluator {
  run(batch: Feeds, state: State): Promise<Record<string, TensorValue>>;
  release(): Promise<void>;
}

/** @param outputs values to hand out besides the loss */
export async function openEvaluator(
  problem: Problem,
  outputs: string[],
  threads?: number,
): Promise<Evaluator> {
  const { model } = forwardGraph(problem, outputs);
  const session: Session = await openModel(model, { threads, keepQdq: true });
  const inputs = new Set(session.inputs.map((i) => i.name));
  return {
    run(batch, { weights, scales }) {
      const none = new Float32Array(0);
      const only = stateOf([weights.value, none, none, scales.value, none, none]);
      const feeds = { ...batch, ...values(only, (n) => n) };
      return session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => inputs.has(name))));
    },
    release: () => session.release(),
  };
}
