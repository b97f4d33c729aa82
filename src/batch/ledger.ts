import { type PackedError, QuantizeError, unpackError } from '../errors.js';
import { Inputs } from './inputs.js';
import { Store } from './store.js';
import type { TaskOutcome } from './tasks.js';
import type { BatchJob, BatchResult, EngineOptions, JobResult } from './types.js';

/** What is known of a batch's jobs: what earlier runs left, and how they ended in this one. Engines do the rest. */
export class Ledger {
  readonly store: Store;
  readonly inputs: Inputs;
  private readonly results = new Map<string, JobResult>();
  private readonly started = performance.now();

  constructor(
    private readonly jobs: readonly BatchJob[],
    private readonly options: EngineOptions,
  ) {
    this.store = new Store(options.cache);
    this.inputs = new Inputs(options.version);
  }

  /** Jobs whose results an earlier run did not leave; the others are finished. */
  async leftToDo(): Promise<BatchJob[]> {
    const left: BatchJob[] = [];
    for (const job of this.jobs) {
      const found = await this.found(job);
      if (found) this.finish({ ...found, status: found.error ? 'failed' : 'unchanged' });
      else left.push(job);
    }
    return left;
  }

  /** The result of a job that has been done, by its inputs; inputs that cannot be read are for the job to report. */
  async found(job: BatchJob): Promise<JobResult | undefined> {
    const key = await this.key(job);
    return key === undefined ? undefined : this.store.find(key, job);
  }

  key = (job: BatchJob): Promise<string | undefined> => this.inputs.key(job.options).catch(() => undefined);

  async keep(job: BatchJob, result: JobResult): Promise<void> {
    const key = await this.key(job);
    if (key) await this.store.keep(key, result);
  }

  finish(result: JobResult): void {
    this.results.set(result.id, result);
    const finished = this.results.size;
    this.options.onEvent?.({ event: 'job', result, finished, jobs: this.jobs.length });
  }

  /** @throws QuantizeError INTERRUPTED where the batch was asked to stop */
  stopIfAborted(): void {
    if (!this.options.signal?.aborted) return;
    const done = this.results.size;
    throw new QuantizeError('interrupted', 'INTERRUPTED', `the batch was stopped after ${done} jobs`, {
      hint: 'Run it again to go on from there.',
    });
  }

  summary(): BatchResult {
    const jobs = this.jobs.map((job) => this.results.get(job.id)!);
    const counts = { done: 0, unchanged: 0, failed: 0 };
    for (const { status } of jobs) counts[status]++;
    const seconds = (performance.now() - this.started) / 1000;
    this.options.onEvent?.({ event: 'end', counts, seconds });
    return { schema: 'onnx-quantize/batch@1', jobs, counts, seconds };
  }
}

/** How a job ended, by how its task did. */
export function resultOf(job: BatchJob, outcome: TaskOutcome, seconds: number): JobResult {
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
