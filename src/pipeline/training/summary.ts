import type { Training, Worth } from '../../report/types.js';
import type { Progress } from '../../train/index.js';
import { lowestSqnr } from '../../verify/index.js';
import type { Metrics } from '../../verify/types.js';
import type { TrainingOptions } from './options.js';
import type { Lessons } from './samples.js';

/** What training was; how much it was worth is measured later. */
export type Trained = Omit<Training, 'before' | 'after'>;

interface Facts {
  lessons: Lessons;
  options: TrainingOptions;
  batch: number;
  seconds: number;
  bytes: number;
}

export function summary({ step, history, best }: Progress, facts: Facts): Trained {
  const { lessons, options, batch, seconds, bytes } = facts;
  const { training, validation, labels, answers } = lessons;
  return {
    steps: step,
    batch,
    samples: training.length,
    judges: validation.length,
    taught: !(labels ?? answers) ? 'float model' : (options.distill ?? 0) > 0 ? 'both' : 'labels',
    history,
    best: best!.epoch,
    seconds,
    bytes,
  };
}

export const worthOf = ({ outputs, top1 }: Metrics): Worth => {
  const sqnrDb = lowestSqnr(outputs.map((o) => o.sqnrDb)) ?? null;
  const agreement = outputs[0]?.top1Agreement;
  return { sqnrDb, ...(top1 && { accuracy: top1.quantized }), ...(agreement !== undefined && { agreement }) };
};
