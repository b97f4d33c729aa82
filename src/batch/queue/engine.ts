import { FlowProducer, type Job, Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { bugError, packError } from '../../errors.js';
import { type Group, groupJobs } from '../groups.js';
import { Ledger, resultOf } from '../ledger.js';
import type { BatchJob, BatchResult, Engine, EngineOptions } from '../types.js';
import { connect, lost } from './connection.js';
import { calibrationFlow } from './flow.js';
import {
  type Answer,
  CANCELLED,
  cancelChannel,
  jobOptions,
  type Message,
  type News,
  PREFIX,
  type QuantizeMessage,
  quantizeId,
  queueName,
} from './messages.js';

/** Events may get lost with a connection, so everything is also looked at this often. */
const SWEEP_MS = 3000;
/** Times that a job which vanished from the queue, or left no result that can be read, is put there again. */
const MAX_ADDED = 3;
/** Sweeps that a result may take to appear in a shared folder. */
const UNSEEN_SWEEPS = 3;
const PATIENCE_MINUTES = 5;
const MAX_SHARDS = 16;

/** A job of the batch that has not ended. */
interface Pending {
  id: string;
  message: QuantizeMessage;
  /** Queue id of the merge that puts it into the queue. */
  merge?: string;
  added: number;
  unseen: number;
}

export const queueEngine: Engine['run'] = async (jobs, options) => {
  const client = await connect(options.queue!);
  const run = new QueueRun(client, jobs, options);
  try {
    return await run.run();
  } finally {
    await run.close();
    client.disconnect();
  }
};

/**
 * Puts jobs into a queue and waits for them. The queue is trusted to hold jobs, not to remember: what it says of a
 * job counts only as far as the shared folder bears it out, and what it has lost is put there again.
 */
class QueueRun {
  private readonly ledger: Ledger;
  private readonly queue: Queue<Message, Answer>;
  private readonly flows: FlowProducer;
  private readonly events: QueueEvents;
  private readonly name: string;
  private readonly pending = new Map<string, Pending>();
  /** The job that is told about, by queue ids of whatever is done for it. */
  private readonly about = new Map<string, string>();
  private readonly news = new Set<string>();
  private wake: () => void = () => {};

  constructor(
    private readonly client: Redis,
    private readonly jobs: readonly BatchJob[],
    private readonly options: EngineOptions,
  ) {
    this.ledger = new Ledger(jobs, options);
    this.name = queueName(options.version);
    const common = { connection: client, prefix: PREFIX };
    this.queue = new Queue(this.name, common);
    this.flows = new FlowProducer(common);
    this.events = new QueueEvents(this.name, common);
    // Broken connections are made again; jobs are looked at when that is done.
    this.queue.on('error', () => {});
    this.flows.on('error', () => {});
    this.events.on('error', () => {});
    this.listen();
  }

  async run(): Promise<BatchResult> {
    const { signal, onEvent } = this.options;
    const wake = () => this.wake();
    signal?.addEventListener('abort', wake);
    try {
      await this.events.waitUntilReady();
      const workers = await this.queue.getWorkersCount();
      onEvent?.({ event: 'start', jobs: this.jobs.length, processes: workers });
      const groups = groupJobs(await this.ledger.leftToDo());
      const shards = Math.max(1, Math.min(MAX_SHARDS, Math.floor(workers / groups.length)));
      for (const group of groups)
        if (!signal?.aborted) await this.submit(group, this.options.queue!.shards ?? shards);
      await this.untilAllEnded();
    } finally {
      signal?.removeEventListener('abort', wake);
    }
    this.ledger.stopIfAborted();
    return this.ledger.summary();
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.events.close(), this.flows.close(), this.queue.close()]);
  }

  private listen(): void {
    const { onEvent } = this.options;
    const ended = ({ jobId }: { jobId: string }) => {
      this.news.add(jobId);
      this.wake();
    };
    const warn = (code: string, message: string) => {
      return ({ jobId }: { jobId: string }) => {
        const job = this.about.get(jobId);
        if (job) onEvent?.({ event: 'warning', job, code, message });
      };
    };
    this.events.on('completed', ended);
    this.events.on('failed', ended);
    this.events.on('stalled', warn('WORKER_LOST', 'its worker was not heard of, so another takes the job'));
    this.events.on('delayed', warn('RETRIED', 'it failed of something that may pass, and is tried again'));
    this.events.on('progress', ({ data }) => {
      const { about, ...event } = data as News;
      onEvent?.(
        'stage' in event
          ? { event: 'stage', job: about, ...event }
          : { event: 'warning', job: about, ...event },
      );
    });
  }

  private async submit(group: Group, shards: number): Promise<void> {
    const next = await Promise.all(group.jobs.map((job) => this.messageFor(job)));
    const key = await this.ledger.inputs
      .key(group.options, { variants: group.variants })
      .catch(() => undefined);
    const shared = key !== undefined && (group.jobs.length > 1 || shards > 1);
    const flow = shared
      ? calibrationFlow(group, this.ledger.store.statistics(key), shards, next, this.name)
      : undefined;
    for (const message of next) await this.expect(message, flow?.id);
    if (!flow) return;
    for (const { opts, data } of [flow, ...flow.children!]) this.about.set(opts!.jobId!, data.about);
    await this.flows.add(flow);
  }

  private async messageFor(job: BatchJob): Promise<QuantizeMessage> {
    const { cache } = this.options;
    return { kind: 'quantize', about: job.id, job, key: await this.ledger.key(job), cache };
  }

  /** Waits for a job, which a merge puts into the queue, or this does; what is in progress there already is joined. */
  private async expect(message: QuantizeMessage, merge: string | undefined): Promise<void> {
    const entry = { id: quantizeId(message), message, merge, added: 0, unseen: 0 };
    this.pending.set(entry.id, entry);
    this.about.set(entry.id, message.about);
    const there = await this.queue.getJob(entry.id);
    if (there?.finishedOn) await this.remove(entry.id);
    if (!merge && (!there || there.finishedOn)) await this.add(entry);
  }

  private async add(entry: Pending): Promise<void> {
    entry.added++;
    entry.unseen = 0;
    await this.queue.add('quantize', entry.message, jobOptions(entry.id));
  }

  private async untilAllEnded(): Promise<void> {
    let lastReady = performance.now();
    while (this.pending.size > 0) {
      // It may have been asked to stop before there was anything to wait for.
      const heard = this.options.signal?.aborted ? [] : await this.anything();
      if (this.options.signal?.aborted) return this.cancel();
      if (this.client.status === 'ready') lastReady = performance.now();
      else if (performance.now() - lastReady > 60_000 * PATIENCE_MINUTES) throw lost(PATIENCE_MINUTES);
      else continue;
      const ids = heard.length > 0 ? heard : [...this.pending.keys()];
      await Promise.all(ids.map((id) => this.look(this.pending.get(id), heard.length === 0)));
    }
  }

  /** Ids of jobs that ended, as events say; none when it is time to look at all. */
  private async anything(): Promise<string[]> {
    if (this.news.size === 0)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, SWEEP_MS);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    const heard = [...this.news].filter((id) => this.pending.has(id));
    this.news.clear();
    return heard;
  }

  private async look(entry: Pending | undefined, sweeping: boolean): Promise<void> {
    if (!entry) return;
    const job = await this.queue.getJob(entry.id);
    if (!job) return this.missing(entry, false);
    if (!job.finishedOn) return;
    // A job that was done at a later attempt still says why an earlier one failed.
    const answer = job.returnvalue as (Answer & { kind: 'quantize' }) | null;
    if (!answer) return job.failedReason === CANCELLED ? this.missing(entry, true) : this.giveUp(entry, job);
    const result = answer.result ?? (await this.ledger.found(entry.message.job));
    if (result) return this.end(entry, () => this.ledger.finish(result));
    if (sweeping && ++entry.unseen >= UNSEEN_SWEEPS) await this.missing(entry, true);
  }

  /** The queue knows nothing of a job: it was done, or waits for its statistics, or was lost. */
  private async missing(entry: Pending, remains: boolean): Promise<void> {
    const found = await this.ledger.found(entry.message.job);
    if (found) return this.end(entry, () => this.ledger.finish(found));
    if (entry.merge && (await this.isAlive(entry.merge))) return;
    if (entry.added >= MAX_ADDED) return this.giveUp(entry);
    if (remains) await this.remove(entry.id);
    await this.add(entry);
  }

  private async isAlive(id: string): Promise<boolean> {
    return !['completed', 'failed', 'unknown'].includes(await this.queue.getJobState(id));
  }

  private giveUp(entry: Pending, job?: Job<Message, Answer>): void {
    const error = bugError(
      'JOB_LOST',
      job
        ? `every worker that took the job was lost or failed: ${job.failedReason}`
        : 'the job vanished from the queue again and again, or left no result that can be read',
      { hint: 'See on the workers what ended them; run the batch again to try once more.' },
    );
    const failed = { kind: 'failed' as const, error: packError(error) };
    this.end(entry, () => this.ledger.finish(resultOf(entry.message.job, failed, 0)));
  }

  /** Each job ends once, whatever is heard of it later. */
  private end(entry: Pending, finish: () => void): void {
    if (this.pending.delete(entry.id)) finish();
  }

  /** Takes what waits out of the queue and asks workers to stop what runs. Other batches put what they want back. */
  private async cancel(): Promise<void> {
    const merges = new Set([...this.pending.values()].flatMap(({ merge }) => merge ?? []));
    const ids = [...this.pending.keys(), ...merges];
    await this.client.publish(cancelChannel(this.name), JSON.stringify(ids));
    await Promise.all(ids.map((id) => this.remove(id)));
  }

  /** What a worker holds stays. */
  private async remove(id: string): Promise<void> {
    await this.queue.remove(id, { removeChildren: true }).catch(() => undefined);
  }
}
