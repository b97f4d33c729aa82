import type { Action } from '../command-table/spec.js';
import { runMainJob } from '../main-job.js';

export const run: Action = ([model], options, shell) =>
  runMainJob(model!, options, shell, (pipeline, job) => pipeline.quantize(job));
