import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bugError, packError, QuantizeError } from '../errors.js';
import type { FromChild, FromParent } from './process.js';
import type { Task, TaskEvent, TaskOutcome } from './tasks.js';

const ENTRY = fileURLToPath(new URL('./process.js', import.meta.url));

/** A task with the estimate of its memory, and who wants to know about it. */
export interface Order {
  task: Task;
  bytes: number;
  /** Nothing else may run meanwhile: it measures time. */
  alone: boolean;
  tell(event: TaskEvent): void;
  /** Asks this task alone to stop. */
  signal?: AbortSignal;
  /** A task that takes longer hangs: its process is killed. */
  timeoutMs?: number;
}

/** Time that a task has to stop by itself. */
const GRACE_MS = 5000;

/**
 * Processes that take tasks, one each at a time. Processes, because a crash of the native runtime or a process killed
 * for its memory must cost one task and not the batch: such a task is tried once more, alone.
 */
export class Pool {
  private readonly idle: Worker[] = [];
  private readonly workers = new Set<Worker>();
  private readonly waiting: { order: Order; start(): void }[] = [];
  private bytes = 0;
  private readonly running = new Set<Order>();

  constructor(
    private readonly count: number,
    private readonly memory: number,
  ) {}

  /**
   * Waits for a free process and for memory (a task larger than all of it runs alone), then has the task done.
   * @returns the outcome, and the seconds that it took without waiting
   */
  async perform(order: Order): Promise<{ outcome: TaskOutcome; seconds: number }> {
    await this.turn(order);
    const start = performance.now();
    try {
      const outcome = (await this.once(order)) ?? (await this.once(order)) ?? died();
      return { outcome, seconds: (performance.now() - start) / 1000 };
    } finally {
      this.running.delete(order);
      this.bytes -= order.bytes;
      this.admit();
    }
  }

  private turn(order: Order): Promise<void> {
    return new Promise((resolve) => {
      const entry = { order, start: resolve };
      const first = order.alone ? -1 : this.waiting.findIndex((other) => other.order.alone);
      this.waiting.splice(first < 0 ? this.waiting.length : first, 0, entry);
      this.admit();
    });
  }

  /** Starts what fits, in order, but for what measures time, which waits for all others. */
  private admit(): void {
    for (let next = this.waiting[0]; next && this.fits(next.order); next = this.waiting[0]) {
      this.waiting.shift();
      this.running.add(next.order);
      this.bytes += next.order.bytes;
      next.start();
    }
  }

  private fits({ bytes, alone }: Order): boolean {
    if (this.running.size === 0) return true;
    if (alone || [...this.running].some((order) => order.alone)) return false;
    return this.running.size < this.count && this.bytes + bytes <= this.memory;
  }

  /** @returns undefined when the process ended before the task did, without being asked to */
  private async once(order: Order): Promise<TaskOutcome | undefined> {
    if (order.signal?.aborted) return STOPPED;
    const worker = this.idle.pop() ?? new Worker();
    this.workers.add(worker);
    const watch = new Watch(order, worker);
    const outcome = await worker.perform(order.task, order.tell);
    watch.end();
    if (outcome) this.idle.push(worker);
    else this.workers.delete(worker);
    return outcome ?? watch.reason;
  }

  /** Bytes of memory that the processes had when they last said. */
  get resident(): number {
    return [...this.workers].reduce((sum, worker) => sum + worker.resident, 0);
  }

  /** Asks running tasks to stop; their outcomes say that they did. */
  stop(): void {
    for (const worker of this.workers) worker.send({ stop: true });
  }

  end(): void {
    for (const worker of this.workers) worker.end();
  }
}

const died = (): TaskOutcome => ({
  kind: 'failed',
  error: packError(
    bugError('PROCESS_DIED', 'the process that did this job died twice, of a crash or for want of memory', {
      hint: 'Run the job alone with `quantize` to see what it prints; give the batch less at a time with --threads.',
    }),
  ),
});

const STOPPED: TaskOutcome = {
  kind: 'failed',
  error: packError(new QuantizeError('interrupted', 'INTERRUPTED', 'stopped as asked; nothing was written')),
};

const hung = (seconds: number): TaskOutcome => ({
  kind: 'failed',
  error: packError(
    bugError('TASK_HUNG', `the job was still not done after ${seconds} s, so its process was ended`, {
      hint: 'Give it longer with --timeout, or see with `quantize` alone where it stays.',
    }),
  ),
});

/** Ends a process that hangs, or that does not stop when it is asked to. */
class Watch {
  /** Why the process had to be ended. */
  reason?: TaskOutcome;
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly order: Order,
    private readonly worker: Worker,
  ) {
    const { timeoutMs, signal } = order;
    if (timeoutMs) this.killAfter(timeoutMs, hung(timeoutMs / 1000));
    signal?.addEventListener('abort', this.stop);
  }

  private readonly stop = () => {
    this.worker.send({ stop: true });
    this.killAfter(GRACE_MS, STOPPED);
  };

  private killAfter(ms: number, reason: TaskOutcome): void {
    const kill = () => {
      this.reason = reason;
      this.worker.kill();
    };
    this.timers.push(setTimeout(kill, ms));
  }

  end(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.order.signal?.removeEventListener('abort', this.stop);
  }
}

class Worker {
  resident = 0;
  private readonly child: ChildProcess;
  private outcome: (outcome: TaskOutcome | undefined) => void = () => {};
  private tell: (event: TaskEvent) => void = () => {};

  constructor() {
    // stdout belongs to the results of the batch.
    this.child = fork(ENTRY, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' });
    this.child.on('message', (message: FromChild) => {
      if ('event' in message) {
        this.resident = message.resident;
        this.tell(message.event);
      } else this.outcome(message.outcome);
    });
    this.child.on('exit', () => this.outcome(undefined));
    this.child.on('error', () => this.outcome(undefined));
  }

  perform(task: Task, tell: (event: TaskEvent) => void): Promise<TaskOutcome | undefined> {
    return new Promise((resolve) => {
      this.outcome = resolve;
      this.tell = tell;
      this.send({ task });
    });
  }

  send(message: FromParent): void {
    if (this.child.connected) this.child.send(message, () => {});
    else this.outcome(undefined);
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  end(): void {
    if (this.child.connected) this.child.disconnect();
  }
}
