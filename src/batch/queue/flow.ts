import { randomUUID } from 'node:crypto';
import type { FlowJob } from 'bullmq';
import type { Group } from '../groups.js';
import {
  jobOptions,
  type MergeMessage,
  PREFIX,
  type QuantizeMessage,
  type ShardMessage,
} from './messages.js';

/** The flow of a group of jobs that share statistics: shards → merge, which puts `next` into the queue. */
export function calibrationFlow(
  group: Group,
  file: string,
  shards: number,
  next: QuantizeMessage[],
  queue: string,
): FlowJob & { id: string } {
  // Ids of a run: what an earlier run left in the queue must not pass for this one's.
  const id = `merge-${randomUUID()}`;
  const about = group.jobs[0].id;
  const node = (data: ShardMessage | MergeMessage, jobId: string) => ({
    name: data.kind,
    queueName: queue,
    prefix: PREFIX,
    data,
    opts: jobOptions(jobId),
  });
  const merge: MergeMessage = { kind: 'merge', about, model: group.options.model, shards, file, next };
  const shard = (i: number): ShardMessage => ({
    kind: 'shard',
    about,
    options: { ...group.options, shard: [i, shards] },
    variants: group.variants,
    file: `${file}.${i}-${shards}`,
  });
  const children = Array.from({ length: shards }, (_, i) => {
    const child = node(shard(i), `${id}-${i}`);
    // Jobs whose calibration fails calibrate for themselves, and so meet the reason.
    return { ...child, opts: { ...child.opts, ignoreDependencyOnFailure: true } };
  });
  return { id, ...node(merge, id), children };
}
