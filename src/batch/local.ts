import { estimatedBytes, type Group, groupJobs, shares } from './groups.js';
import { Ledger, resultOf } from './ledger.js';
import { Pool } from './pool.js';
import { isMeasured, servedBy, type Task, type TaskEvent, type TaskOutcome } from './tasks.js';
import type { BatchJob, BatchResult, Engine, EngineOptions } from './types.js';

/** Processes on this machine, nothing to install. */
export const localEngine: Engine['run'] = (jobs, options) => new LocalRun(jobs, options).run();

const STOPPED: { outcome: TaskOutcome; seconds: number } = {
  outcome: { kind: 'failed', error: { message: 'stopped' } },
  seconds: 0,
};

class LocalRun {
  private readonly ledger: Ledger;
  private readonly pool: Pool;
  private readonly threads: number;

  constructor(
    jobs: readonly BatchJob[],
    private readonly options: EngineOptions,
  ) {
    const { budget } = options;
    this.ledger = new Ledger(jobs, options);
    const { processes, threads } = shares(budget, jobs.length);
    this.threads = threads;
    this.pool = new Pool(processes, budget.memory);
    options.onEvent?.({ event: 'start', jobs: jobs.length, processes });
  }

  async run(): Promise<BatchResult> {
    const { signal } = this.options;
    const stop = () => this.pool.stop();
    signal?.addEventListener('abort', stop);
    try {
      const left = await this.ledger.leftToDo();
      await Promise.all(groupJobs(left).map((group) => this.doGroup(group)));
    } finally {
      signal?.removeEventListener('abort', stop);
      this.pool.end();
    }
    this.ledger.stopIfAborted();
    return this.ledger.summary();
  }

  private async doGroup(group: Group): Promise<void> {
    const shared = group.jobs.length > 1 ? await this.calibrate(group) : [];
    await Promise.all(group.jobs.map((job, i) => this.doJob(job, shared[i])));
  }

  /** @returns the statistics file of each job that a pass serves; a failure is left for the jobs to meet */
  private async calibrate({ options, variants, jobs }: Group): Promise<(string | undefined)[]> {
    const key = await this.ledger.inputs.key(options, { variants }).catch(() => undefined);
    if (!key) return [];
    const file = this.ledger.store.statistics(key);
    const order = {
      kind: 'calibrate' as const,
      options: { ...options, threads: this.threads },
      variants,
      file,
    };
    const { outcome } = await this.perform(order, false, jobs[0].id);
    return outcome.kind === 'calibrate' ? outcome.served.map((pass) => servedBy(file, pass)) : [];
  }

  private async doJob(job: BatchJob, sharedStats: string | undefined): Promise<void> {
    const alone = isMeasured(job.options.target);
    const threads = alone ? this.options.budget.threads : this.threads;
    const options = { ...job.options, sharedStats, threads };
    const { outcome, seconds } = await this.perform({ kind: 'quantize', options }, alone, job.id);
    if (this.options.signal?.aborted) return;
    const result = resultOf(job, outcome, seconds);
    await this.ledger.keep(job, result);
    this.ledger.finish(result);
  }

  /** Bytes that this process and its own have. */
  private memory(): number {
    return process.memoryUsage.rss() + this.pool.resident;
  }

  private async perform(task: Task, alone: boolean, job: string) {
    if (this.options.signal?.aborted) return STOPPED;
    const tell = (event: TaskEvent) =>
      this.options.onEvent?.(
        'stage' in event
          ? { event: 'stage', job, ...event, memory: this.memory() }
          : { event: 'warning', job, ...event },
      );
    return this.pool.perform({ task, bytes: estimatedBytes(task), alone, tell });
  }
}
