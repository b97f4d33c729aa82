import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { type Job, Queue, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { QuantizeError, unpackError } from '../../errors.js';
import { estimatedBytes } from '../groups.js';
import { resultOf } from '../ledger.js';
import { Pool } from '../pool.js';
import { isLasting, Store } from '../store.js';
import { isMeasured, passFile, servedBy, type Task, type TaskEvent, type TaskOutcome } from '../tasks.js';
import type { Budget, QueueAddress } from '../types.js';
import { clockLead, connect } from './connection.js';
import {
  type Answer,
  ATTEMPTS,
  CANCELLED,
  cancelChannel,
  jobOptions,
  type MergeMessage,
  type Message,
  type News,
  PREFIX,
  type QuantizeMessage,
  quantizeId,
  queueName,
  type ShardMessage,
} from './messages.js';

export interface WorkOptions {
  address: QueueAddress;
  version: string;
  /** Jobs at a time. */
  concurrency: number;
  budget: Budget;
  /** After so much silence of a worker others take its jobs. */
  leaseMs: number;
  /** A task that takes longer hangs. */
  timeoutMs: number;
  onEvent(event: WorkEvent): void;
  signal: AbortSignal;
}

export type WorkEvent =
  | { event: 'ready'; queue: string }
  | { event: 'trouble'; message: string }
  /** `seconds` that the work itself took. */
  | { event: 'ended'; stage: Message['kind']; job: string; seconds: number; error?: string };

/** Workers that one job may take down. */
const MAX_LOST = 10;
const FIRST_RETRY_MS = 1000;
const PROGRESS_MS = 500;

/** Takes jobs from the queue until `signal`; those in hand then go back to it. */
export async function work(options: WorkOptions): Promise<void> {
  const client = await connect(options.address);
  const hand = new Hand(client, options, await clockLead(client));
  try {
    await hand.untilStopped();
  } finally {
    client.disconnect();
  }
}

class Hand {
  private readonly name: string;
  private readonly pool: Pool;
  private readonly queue: Queue<Message, Answer>;
  private readonly worker: Worker<Message, Answer>;
  private readonly ears: Redis;

  constructor(
    client: Redis,
    private readonly options: WorkOptions,
    lead: number,
  ) {
    const { version, concurrency, budget, leaseMs, onEvent } = options;
    this.name = queueName(version);
    this.pool = new Pool(concurrency, budget.memory);
    const common = { connection: client, prefix: PREFIX };
    this.queue = new Queue(this.name, common);
    this.worker = new Worker(this.name, (job, token, signal) => this.take(job, token!, signal!), {
      ...common,
      concurrency,
      lockDuration: leaseMs,
      stalledInterval: leaseMs / 2,
      maxStalledCount: MAX_LOST,
      // Delays are points of the local clock; counted from the server's, a wrong one makes no long wait.
      settings: { backoffStrategy: (attempt) => Math.max(0, FIRST_RETRY_MS * 2 ** (attempt - 1) + lead) },
    });
    this.queue.on('error', () => {});
    this.worker.on('error', ({ message }) => onEvent({ event: 'trouble', message }));
    this.worker.on('lockRenewalFailed', (ids) => this.drop(ids));
    this.ears = client.duplicate();
    this.ears.on('error', () => {});
    this.ears.on('message', (_channel, ids: string) => this.drop(JSON.parse(ids)));
  }

  async untilStopped(): Promise<void> {
    const { signal, onEvent } = this.options;
    await this.ears.subscribe(cancelChannel(this.name));
    await this.worker.waitUntilReady();
    onEvent({ event: 'ready', queue: this.name });
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    this.worker.cancelAllJobs(CANCELLED);
    await this.worker.close();
    this.pool.end();
    this.ears.disconnect();
    await this.queue.close();
  }

  /** Jobs that nobody wants any more, or that another worker has taken. */
  private drop(ids: string[]): void {
    for (const id of ids) this.worker.cancelJob(id, CANCELLED);
  }

  private async take(job: Job<Message, Answer>, token: string, signal: AbortSignal): Promise<Answer> {
    const { data } = job;
    let seconds = 0;
    const perform: Perform = async (task) => {
      const done = await this.perform(job, task, signal);
      seconds += done.seconds;
      return done;
    };
    const ended = (error?: string) =>
      this.options.onEvent({ event: 'ended', stage: data.kind, job: data.about, seconds, error });
    try {
      const answer = await this.answer(job, perform);
      ended();
      return answer;
    } catch (error) {
      if (this.options.signal.aborted) {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      ended((error as Error).message);
      throw signal.aborted ? new UnrecoverableError(CANCELLED) : error;
    }
  }

  private answer(job: Job<Message, Answer>, perform: Perform): Promise<Answer> {
    const { data } = job;
    const last = job.attemptsMade + 1 >= ATTEMPTS;
    if (data.kind === 'shard') return calibrateShard(data, perform);
    if (data.kind === 'merge') return this.merge(data, job, perform);
    return quantizeOne(data, last, perform);
  }

  private perform(job: Job<Message, Answer>, task: Task, signal: AbortSignal) {
    const { budget, concurrency, timeoutMs } = this.options;
    const alone = task.kind === 'quantize' && isMeasured(task.options.target);
    const threads = alone ? budget.threads : Math.max(1, Math.floor(budget.threads / concurrency));
    const timed = { ...task, options: { ...task.options, threads } } as Task;
    return this.pool.perform({
      task: timed,
      bytes: estimatedBytes(task),
      alone,
      tell: seldom((event) => job.updateProgress({ about: job.data.about, ...event } satisfies News)),
      signal,
      timeoutMs,
    });
  }

  /** Whatever becomes of the statistics, the jobs go on: without, they calibrate for themselves. */
  private async merge(data: MergeMessage, job: Job<Message, Answer>, perform: Perform): Promise<Answer> {
    const parts = Object.values(await job.getChildrenValues<Answer & { kind: 'shard' }>());
    const served = parts.length === data.shards ? parts[0].served : [];
    const passes = passCount(served);
    const joined = passes > 0 && (await this.join(data, parts, passes, perform));
    const next = data.next.map((message, i) => ({
      ...message,
      stats: joined ? servedBy(data.file, served[i]) : undefined,
    }));
    await this.queue.addBulk(
      next.map((message) => ({ name: 'quantize', data: message, opts: jobOptions(quantizeId(message)) })),
    );
    return { kind: 'merge' };
  }

  private async join(
    { model, file }: MergeMessage,
    shards: { file: string }[],
    passes: number,
    perform: Perform,
  ): Promise<boolean> {
    const parts = shards.map((shard) => shard.file);
    const task: Task = { kind: 'merge', options: { model }, parts, passes, file };
    const { outcome } = await perform(task);
    if (outcome.kind === 'failed' && !isLasting(outcome.error)) throw unpackError(outcome.error);
    return outcome.kind === 'merge';
  }
}

type Perform = (task: Task) => Promise<{ outcome: TaskOutcome; seconds: number }>;

/** Writes to a file of its own first: a worker that was thought lost may still be at the same shard. */
async function calibrateShard({ file, options, variants }: ShardMessage, perform: Perform): Promise<Answer> {
  const own = `${file}.${randomBytes(4).toString('hex')}.part`;
  const { outcome } = await perform({ kind: 'calibrate', options, variants, file: own, from: file });
  if (outcome.kind === 'failed') {
    const error = unpackError(outcome.error);
    throw isLasting(outcome.error) ? new UnrecoverableError(error.message) : error;
  }
  const { served } = outcome as TaskOutcome & { kind: 'calibrate' };
  for (let p = 0; p < passCount(served); p++) renameSync(passFile(own, p), passFile(file, p));
  return { kind: 'shard', file, served };
}

const passCount = (served: readonly (number | null)[]): number =>
  1 + Math.max(-1, ...served.map((pass) => pass ?? -1));

/** A failure that may pass is thrown, and tried again, until the last attempt: then it is the answer. */
async function quantizeOne(
  { job, key, cache, stats }: QuantizeMessage,
  last: boolean,
  perform: Perform,
): Promise<Answer> {
  const store = new Store(cache);
  // A worker that was thought lost may have done it.
  if (key && (await store.find(key, job))) return { kind: 'quantize' };
  const { outcome, seconds } = await perform({
    kind: 'quantize',
    options: { ...job.options, sharedStats: stats },
  });
  const result = resultOf(job, outcome, seconds);
  const lasting = !result.error || isLasting(result.error);
  if (result.error?.code === 'INTERRUPTED' || !(lasting || last)) throw unpackError(result.error!);
  if (!key || !lasting) return { kind: 'quantize', result };
  try {
    await store.keep(key, result);
    return { kind: 'quantize' };
  } catch (error) {
    // No room for the entry: the output is there and the result is told.
    if (last && error instanceof QuantizeError) return { kind: 'quantize', result };
    throw error;
  }
}

/** Tells of a new stage and of warnings at once, of progress now and then. */
function seldom(tell: (event: TaskEvent) => Promise<void>): (event: TaskEvent) => void {
  let [stage, at] = ['', 0];
  return (event) => {
    const now = performance.now();
    if ('stage' in event) {
      if (event.stage === stage && now - at < PROGRESS_MS) return;
      [stage, at] = [event.stage, now];
    }
    tell(event).catch(() => {});
  };
}
