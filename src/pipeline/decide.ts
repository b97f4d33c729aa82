import { layoutLints, normalisationLints, sampleLints } from '../calibrate/index.js';
import type { Diagnostic } from '../errors.js';
import { hazards } from '../plan/index.js';
import type { Improvement } from '../report/types.js';
import { lowestSqnr } from '../verify/index.js';
import { type Draft, firstDraft } from './draft.js';
import { type Outcome, produce } from './produce.js';
import { calibrationSource } from './samples.js';
import { type Job, note, tryMadeUp, typesFor } from './stages.js';
import { type Step, stepsFor } from './steps/index.js';
import { takeStep } from './steps/take.js';
import { Trial } from './trial.js';

/** A draft, what each step did for it, and the judge of the next one. */
export interface Decision {
  draft: Draft;
  rungs: Improvement[];
  trial: Trial;
}

/** calibrate → plan, and the steps that the effort asks for. */
export async function decide(job: Job, steps = stepsFor(job.options).first): Promise<Decision> {
  const source = await calibrationSource(job);
  await tryMadeUp(job.prepared, source);
  const types = await typesFor(job.prepared, source);
  const draft = await firstDraft({ job, source, types });
  const samples = [
    ...(draft.stats ? sampleLints(draft.stats) : []),
    ...(await layoutLints(source)),
    ...(await normalisationLints(job.loaded.model, source)),
  ];
  for (const d of [...hazards(draft.input), ...samples]) note(job, d);
  let decision: Decision = { draft, rungs: [], trial: new Trial(source) };
  for (const step of steps) decision = await advance(decision, step);
  return decision;
}

async function advance({ draft, rungs, trial }: Decision, step: Step): Promise<Decision> {
  const taken = await takeStep(draft, step, trial);
  return { draft: taken.draft, rungs: taken.rung ? [...rungs, taken.rung] : rungs, trial };
}

/** What the steps of `--effort max` together have brought at most, in dB (docs/accuracy.md). */
const REACH_DB = 4;

/**
 * While the gate fails: step by step what the effort left out, without the dear steps that cannot close a gap as wide as
 * it is. The last model is the one that counts.
 */
export async function climb(decision: Decision): Promise<{ decision: Decision; outcome: Outcome }> {
  const { job } = decision.draft;
  const { options } = job;
  let [at, outcome] = [decision, await produce(decision.draft)];
  if (!options.auto || !outcome.failure) return { decision: at, outcome };
  const { climb: steps } = stepsFor(options);
  const missing = missingDb(outcome, options.minSqnr);
  const vain = missing > REACH_DB ? steps.filter(({ effort }) => effort === 'max') : [];
  if (vain.length > 0) note(job, leftOut(vain, missing));
  for (const step of steps.filter((one) => !vain.includes(one))) {
    for (let again = true; again && outcome.failure; ) {
      const next = await advance(at, step);
      again = next.draft !== at.draft && step.repeats === true;
      if (next.draft !== at.draft) outcome = await produce(next.draft);
      at = next;
    }
  }
  return { decision: at, outcome };
}

/** Decibels between the worst output and the gate; 0 where no gate asks for decibels. */
const missingDb = ({ metrics }: Outcome, gate?: number): number =>
  gate === undefined ? 0 : gate - (lowestSqnr(metrics.outputs.map((o) => o.sqnrDb)) ?? gate);

const leftOut = (steps: readonly Step[], missing: number): Diagnostic => ({
  level: 'note',
  code: 'STEPS_LEFT_OUT',
  message: `${missing.toFixed(1)} dB are missing, more than ${steps.map(({ id }) => id).join(', ')} bring, so --auto goes without them`,
});
