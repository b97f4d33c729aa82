import { availableParallelism } from 'node:os';
import { type PackedError, QuantizeError, unpackError } from '../errors.js';
import { resolveTarget } from '../pipeline.js';
import { estimatedBytes, type Group, groupJobs } from './groups.js';
import { Inputs } from './inputs.js';
import { Pool } from './pool.js';
import { Store } from './store.js';
import type { Task, TaskEvent, TaskOutcome } from './tasks.js';
import type { BatchJob, BatchResult, Engine, EngineOptions, JobResult } from './types.js';

/** Processes on this machine, nothing to install. */
export const localEngine: Engine = {
  id: 'local',
  description: 'processes on this machine; killed at any point, it goes on from there',
  run: (jobs, options) => new LocalRun(jobs, options).run(),
};

const STOPPED: { outcome: TaskOutcome; seconds: number } = {
  outcome: { kind: 'failed', error: { message: 'stopped' } },
  seconds: 0,
};

/** A target that cannot be resolved is for the job to report. */
function isMeasured(target: string): boolean {
  try {
    return resolveTarget(target).timing === 'measured';
  } catch {
    return false;
  }
}

class LocalRun {
  private readonly store: Store;
  private readonly inputs: Inputs;
  private readonly pool: Pool;
  private readonly threads: number;
  private readonly results = new Map<string, JobResult>();
  private readonly started = performance.now();

  constructor(
    private readonly jobs: readonly BatchJob[],
    private readonly options: EngineOptions,
  ) {
    const { cache, version, budget } = options;
    this.store = new Store(cache);
    this.inputs = new Inputs(version);
    const processes = Math.max(1, Math.min(budget.threads, availableParallelism(), jobs.length));
    this.threads = Math.max(1, Math.floor(budget.threads / processes));
    this.pool = new Pool(processes, budget.memory);
    options.onEvent?.({ event: 'start', jobs: jobs.length, processes });
  }

  async run(): Promise<BatchResult> {
    const { signal } = this.options;
    const stop = () => this.pool.stop();
    signal?.addEventListener('abort', stop);
    try {
      const left = await this.leftToDo();
      await Promise.all(groupJobs(left).map((group) => this.doGroup(group)));
    } finally {
      signal?.removeEventListener('abort', stop);
      this.pool.end();
    }
    this.stopIfAborted();
    return this.summary();
  }

  /** Jobs whose results an earlier run did not leave. */
  private async leftToDo(): Promise<BatchJob[]> {
    const left: BatchJob[] = [];
    for (const job of this.jobs) {
      const found = await this.earlier(job);
      if (found) this.finish({ ...found, status: found.error ? 'failed' : 'unchanged' });
      else left.push(job);
    }
    return left;
  }

  /** A result is looked up by its inputs; inputs that cannot be read are for the job itself to report. */
  private async earlier(job: BatchJob): Promise<JobResult | undefined> {
    const key = await this.key(job);
    const found = key && (await this.store.find(key));
    return found && found.id === job.id && (found.output ?? job.options.output) === job.options.output
      ? found
      : undefined;
  }

  private key = (job: BatchJob): Promise<string | undefined> =>
    this.inputs.key(job.options).catch(() => undefined);

  private async doGroup(group: Group): Promise<void> {
    const covered = group.jobs.length > 1 ? await this.calibrate(group) : undefined;
    await Promise.all(group.jobs.map((job, i) => this.doJob(job, covered?.[i])));
  }

  /** @returns the statistics file of each job that it serves; a failure is left for the jobs to meet */
  private async calibrate({ options, jobs }: Group): Promise<(string | undefined)[]> {
    const variants = jobs.map(({ options: { target, scheme } }) => ({ target, scheme }));
    const key = await this.inputs.key(options, { variants }).catch(() => undefined);
    if (!key) return [];
    const file = this.store.statistics(key);
    const order = {
      kind: 'calibrate' as const,
      options: { ...options, threads: this.threads },
      variants,
      file,
    };
    const { outcome } = await this.perform(order, false, jobs[0].id);
    return outcome.kind === 'calibrate' ? outcome.covered.map((yes) => (yes ? file : undefined)) : [];
  }

  private async doJob(job: BatchJob, sharedStats: string | undefined): Promise<void> {
    const alone = isMeasured(job.options.target);
    const threads = alone ? this.options.budget.threads : this.threads;
    const options = { ...job.options, sharedStats, threads };
    const { outcome, seconds } = await this.perform({ kind: 'quantize', options }, alone, job.id);
    if (this.options.signal?.aborted) return;
    const result = resultOf(job, outcome, seconds);
    const key = await this.key(job);
    if (key) await this.store.keep(key, result);
    this.finish(result);
  }

  private async perform(task: Task, alone: boolean, job: string) {
    if (this.options.signal?.aborted) return STOPPED;
    const tell = (event: TaskEvent) =>
      this.options.onEvent?.(
        'stage' in event ? { event: 'stage', job, ...event } : { event: 'warning', job, ...event },
      );
    return this.pool.perform({ task, bytes: estimatedBytes(task.options), alone, tell });
  }

  private finish(result: JobResult): void {
    this.results.set(result.id, result);
    const finished = this.results.size;
    this.options.onEvent?.({ event: 'job', result, finished, jobs: this.jobs.length });
  }

  private stopIfAborted(): void {
    if (!this.options.signal?.aborted) return;
    const done = this.results.size;
    throw new QuantizeError('interrupted', 'INTERRUPTED', `the batch was stopped after ${done} jobs`, {
      hint: 'Run it again to go on from there.',
    });
  }

  private summary(): BatchResult {
    const jobs = this.jobs.map((job) => this.results.get(job.id)!);
    const counts = { done: 0, unchanged: 0, failed: 0 };
    for (const { status } of jobs) counts[status]++;
    const seconds = (performance.now() - this.started) / 1000;
    this.options.onEvent?.({ event: 'end', counts, seconds });
    return { schema: 'onnx-quantize/batch@1', jobs, counts, seconds };
  }
}

function resultOf(job: BatchJob, outcome: TaskOutcome, seconds: number): JobResult {
  const { model, target, scheme } = job.options;
  const same = { id: job.id, model, target, scheme, seconds };
  if (outcome.kind === 'failed') return { ...same, status: 'failed', error: withoutStack(outcome.error) };
  if (outcome.kind !== 'quantize') throw unpackError({ message: 'a job ended as another kind of task' });
  const { report, files, gate } = outcome;
  return {
    ...same,
    status: gate ? 'failed' : 'done',
    output: files[0],
    report,
    error: gate && withoutStack(gate),
  };
}

const withoutStack = ({ stack: _, ...error }: PackedError): PackedError => error;
