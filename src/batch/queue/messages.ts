import { createHash } from 'node:crypto';
import type { JobsOptions } from 'bullmq';
import type { Variant } from '../../pipeline.js';
import type { TaskEvent } from '../tasks.js';
import type { BatchJob, JobResult, PlainOptions } from '../types.js';

/** One part of a model's samples, for all its variants; statistics of its passes appear beside `file` whole or not at all. */
export interface ShardMessage {
  kind: 'shard';
  /** Id of the batch's job that is told about. */
  about: string;
  options: PlainOptions;
  variants: Variant[];
  file: string;
}

/** Waits for `shards`, joins their statistics into `file`, and puts `next` into the queue. */
export interface MergeMessage {
  kind: 'merge';
  about: string;
  model: string;
  shards: number;
  file: string;
  next: QuantizeMessage[];
}

/** A job of the batch: quantize → verify → report → write. */
export interface QuantizeMessage {
  kind: 'quantize';
  about: string;
  job: BatchJob;
  /** Under which the result is kept in `cache`; absent when the inputs could not be read. */
  key?: string;
  cache: string;
  stats?: string;
}

export type Message = ShardMessage | MergeMessage | QuantizeMessage;

/** What a worker hands back. */
export type Answer =
  | { kind: 'shard'; file: string; served: (number | null)[] }
  | { kind: 'merge' }
  /** Without a result it is in the cache. */
  | { kind: 'quantize'; result?: JobResult };

/** What a worker tells meanwhile. */
export type News = TaskEvent & { about: string };

/** Braces keep the keys of a queue together on a cluster. */
export const PREFIX = '{quantize}';
/** Workers take only what their own version of the tool was asked for, so versions do not mix. */
export const queueName = (version: string): string => `quantize-${version}`;
export const cancelChannel = (name: string): string => `${PREFIX}:${name}:cancel`;
export const CANCELLED = 'cancelled';

const DAY_SECONDS = 86_400;
/** Attempts at a job whose failure may pass: a full disk, a process that died. */
export const ATTEMPTS = 3;

export const jobOptions = (jobId: string): JobsOptions => ({
  jobId,
  attempts: ATTEMPTS,
  backoff: { type: 'custom' },
  removeOnComplete: { age: DAY_SECONDS },
  removeOnFail: { age: DAY_SECONDS },
});

/** The same job has the same id whoever asks for it, so that it waits in the queue once. */
export const quantizeId = ({ key, job }: QuantizeMessage): string =>
  `quantize-${createHash('sha256')
    .update(JSON.stringify([key ?? job.options, job.id, job.options.output]))
    .digest('hex')
    .slice(0, 32)}`;
