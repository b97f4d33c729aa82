import type { Improvement } from '../../report/types.js';
import type { Draft } from '../draft.js';
import { stopIfAborted } from '../stages.js';
import type { Trial } from '../trial.js';
import type { Step } from './index.js';

/**
 * Takes a step and keeps it where the worst output gains, or where it cannot but help.
 * @returns no rung where there was nothing to do
 */
export async function takeStep(
  draft: Draft,
  step: Step,
  trial: Trial,
): Promise<{ draft: Draft; rung?: Improvement }> {
  const { options } = draft.job;
  stopIfAborted(options.signal);
  if (step.below !== undefined && (await trial.score(draft)) >= step.below) return { draft };
  options.onProgress?.({ stage: step.id });
  const started = performance.now();
  const next = await step.attempt(draft);
  if (!next) return { draft };
  options.onProgress?.({ stage: step.id, message: 'trial' });
  const [before, after] = [await trial.score(draft), await trial.score(next)];
  const kept = step.certain === true || after > before + (step.worthDb ?? 0);
  const rung: Improvement = {
    step: step.id,
    description: step.description,
    beforeDb: finite(before),
    afterDb: finite(after),
    kept,
    seconds: (performance.now() - started) / 1000,
    ...(kept && step.changed && { changed: step.changed(next) }),
  };
  return { draft: kept ? next : draft, rung };
}

const finite = (db: number): number | null => (Number.isFinite(db) ? db : null);
