import type { Action } from '../command-table/spec.js';
import { runMainJob } from '../main-job.js';
import { trainingOf } from '../options/training.js';

export const run: Action = ([model], options, shell) => {
  // Here --labels and --batch are those of the training.
  const { data, labels, evaluationLabels, batch: _, ...rest } = options;
  const training = trainingOf(options, data, labels);
  return runMainJob(model!, { ...rest, labels: evaluationLabels }, shell, (pipeline, job) =>
    pipeline.train({ ...job, training }),
  );
};
