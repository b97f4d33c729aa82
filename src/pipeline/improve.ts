import type { Draft } from './draft.js';
import { stopIfAborted } from './stages.js';
import type { Step } from './steps.js';
import type { Trial } from './trial.js';

/** What one step brought: SQNR of the worst output on the trial samples, in dB; null when it is without error. */
export interface Rung {
  step: string;
  description: string;
  beforeDb: number | null;
  afterDb: number | null;
  kept: boolean;
  seconds: number;
}

/** Takes a step and keeps it where the worst output gains. @returns no rung where there was nothing to do */
export async function takeStep(
  draft: Draft,
  step: Step,
  trial: Trial,
): Promise<{ draft: Draft; rung?: Rung }> {
  const { options } = draft.job;
  stopIfAborted(options.signal);
  options.onProgress?.({ stage: step.id });
  const started = performance.now();
  const next = await step.attempt(draft);
  if (!next) return { draft };
  const [before, after] = [await trial.score(draft), await trial.score(next)];
  const kept = after > before;
  const rung: Rung = {
    step: step.id,
    description: step.description,
    beforeDb: finite(before),
    afterDb: finite(after),
    kept,
    seconds: (performance.now() - started) / 1000,
  };
  return { draft: kept ? next : draft, rung };
}

const finite = (db: number): number | null => (Number.isFinite(db) ? db : null);
