import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Sample } from '../data/types.js';
import { bugError, type PackedError, unpackError } from '../errors.js';
import type { StoredModel } from '../runtime/index.js';
import type { TensorValue } from '../runtime/types.js';
import { mergeTensors } from './merge.js';
import type { Recipe } from './open.js';
import type { Team, TeamOptions } from './team.js';
import type { TensorStats } from './types.js';

/** What a thread is told at its start. */
export interface Assignment {
  recipe: Recipe;
  /** File of the graph with what is observed as its outputs. */
  file: string;
}

export type Order = { sample: Sample } | { whole: string } | 'statistics' | 'end';
export type Reply =
  | { done: Map<string, TensorStats> | undefined }
  | { failed: PackedError }
  /** The file of the graph with the probed tensors as its outputs. */
  | 'wants whole';

const ENTRY = fileURLToPath(new URL('./thread.js', import.meta.url));

/** Threads run compiled code; where there is none (a test that runs the sources), one thread does everything. */
export const canHire = (): boolean => existsSync(ENTRY);

/** Bytes that a thread takes beside weights and activations: its heap and onnxruntime's session. */
export const THREAD_BYTES = 48 * 2 ** 20;
/** V8 would let short-lived garbage grow to several times that. */
const LIMITS = { maxYoungGenerationSizeMb: 4 };

export interface CrewOptions extends Pick<TeamOptions, 'onDone' | 'blame' | 'earlier'> {
  recipe: Recipe;
  count: number;
  stored: StoredModel;
  /** Stores the graph with the probed tensors as its outputs. */
  storeWhole(): Promise<StoredModel>;
}

/**
 * Observers on threads of their own, each with one sample at a time and onnxruntime on one core. The convolutions of
 * edge networks are too small to split well, and what comes after them (reading statistics off, garbage) does not
 * split at all.
 */
export class Crew implements Team {
  private readonly hands: Hand[];
  private readonly idle: Hand[];
  /** Work under way; what failed stays here, so that whoever waits next meets it. */
  private readonly busy = new Set<Promise<void>>();
  private whole: Promise<StoredModel> | undefined;
  /** A thread stopped amid a sample. */
  torn = false;

  constructor(private readonly options: CrewOptions) {
    const { recipe, count, stored } = options;
    const assignment = { recipe, file: stored.file };
    const whole = () => this.wholeFile();
    this.hands = Array.from({ length: count }, () => new Hand(assignment, whole));
    this.idle = [...this.hands];
  }

  /** Resolves as soon as a thread has the sample. @throws what a thread met with an earlier one */
  async add(sample: Sample): Promise<void> {
    if (this.idle.length === 0) await Promise.race(this.busy);
    const hand = this.idle.pop()!;
    const work = this.observe(hand, sample).then(() => {
      this.busy.delete(work);
    });
    this.busy.add(work);
    work.catch(() => {});
  }

  private async observe(hand: Hand, sample: Sample): Promise<void> {
    try {
      await hand.ask({ sample: { ...sample, feeds: detached(sample.feeds) } });
    } catch (cause) {
      this.torn = true;
      throw this.options.blame(sample, cause);
    }
    this.idle.push(hand);
    this.options.onDone(sample);
  }

  /** Waits until every sample is in the statistics. */
  async settle(): Promise<void> {
    await Promise.all(this.busy);
  }

  async snapshot(): Promise<Map<string, TensorStats>> {
    const parts = await Promise.all(this.hands.map((hand) => hand.ask('statistics')));
    const { earlier } = this.options;
    return mergeTensors([earlier, ...parts].filter((part) => part !== undefined));
  }

  /** One file for all threads that ask. */
  private async wholeFile(): Promise<string> {
    this.whole ??= this.options.storeWhole();
    return (await this.whole).file;
  }

  async release(): Promise<void> {
    await Promise.allSettled(this.busy);
    await Promise.all(this.hands.map((hand) => hand.release()));
    this.options.stored.discard();
    (await this.whole?.catch(() => undefined))?.discard();
  }
}

/** One thread, which is asked one thing at a time. */
class Hand {
  private readonly worker: Worker;
  private readonly ended: Promise<void>;
  private resolve: (stats: Map<string, TensorStats> | undefined) => void = () => {};
  private reject: (error: unknown) => void = () => {};

  constructor(workerData: Assignment, whole: () => Promise<string>) {
    this.worker = new Worker(ENTRY, { workerData, resourceLimits: LIMITS });
    this.worker.on('error', (error) => this.reject(error));
    this.ended = new Promise((resolve) => this.worker.once('exit', () => resolve()));
    this.ended.then(() => this.reject(bugError('CALIBRATE_THREAD', 'a calibration thread ended too early')));
    this.worker.on('message', (reply: Reply) => {
      if (reply === 'wants whole') this.send(whole());
      else if ('failed' in reply) this.reject(unpackError(reply.failed));
      else this.resolve(reply.done);
    });
  }

  private send(whole: Promise<string>): void {
    whole.then((file) => this.worker.postMessage({ whole: file } satisfies Order), this.reject);
  }

  ask(order: Order): Promise<Map<string, TensorStats> | undefined> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.worker.postMessage(order);
    });
  }

  /** Lets the thread end by itself: stopped amid a run, onnxruntime's binding takes the whole process down. */
  async release(): Promise<void> {
    this.worker.postMessage('end' satisfies Order);
    await this.ended;
  }
}

/** A message carries the whole buffer behind an array, so a part of a file that holds all samples travels as a copy. */
const detached = (feeds: Sample['feeds']): Sample['feeds'] =>
  Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, alone(value)]));

function alone(value: TensorValue): TensorValue {
  const { data } = value;
  if (Array.isArray(data) || data.byteLength === data.buffer.byteLength) return value;
  return { ...value, data: data.slice() };
}
