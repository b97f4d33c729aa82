import { readFile } from 'node:fs/promises';
import type { Plan } from '../../plan/types.js';
import type { Action } from '../command-table/spec.js';
import { runMainJob } from '../main-job.js';

export const run: Action = async ([planFile, model], options, shell) => {
  const { target, scheme } = await namesIn(planFile!);
  return runMainJob(model!, { ...options, target, scheme }, shell, (pipeline, job) =>
    pipeline.apply(planFile!, job),
  );
};

/** Target and scheme for the name of the output; the pipeline reads the plan properly and says what is wrong with it. */
async function namesIn(file: string): Promise<Pick<Plan, 'target' | 'scheme'>> {
  try {
    const { target, scheme } = JSON.parse(await readFile(file, 'utf8')) as Partial<Plan>;
    return { target: String(target), scheme: String(scheme) };
  } catch {
    return { target: 'plan', scheme: 'plan' };
  }
}
