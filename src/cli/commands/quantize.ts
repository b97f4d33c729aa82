import type { Action } from '../command-table/index.js';
import { runMainJob } from '../main-job.js';

export const run: Action = ([model], options, shell) =>
  runMainJob(model!, options, shell, (pipeline, job) => pipeline.quantize(job));
