import type { WorkEvent } from '../../batch/queue/worker.js';
import { budgetOf, queueAddress } from '../batch/resources.js';
import type { Action } from '../command-table/spec.js';
import { createProgress } from '../progress.js';
import { digits } from '../render/units.js';
import { versionOf } from '../version.js';

export const run: Action = async (_operands, options, shell) => {
  const progress = createProgress(shell, options);
  const address = queueAddress(options, shell);
  const { work } = await import('../../batch/queue/worker.js');
  let last = '';
  await work({
    address,
    version: versionOf(),
    concurrency: options.concurrency!,
    budget: budgetOf(options),
    leaseMs: options.lease! * 1000,
    timeoutMs: options.timeout! * 1000,
    onEvent(event) {
      const line = lineOf(event);
      // A server that is away says the same again and again.
      if (line !== last) progress.say(line);
      last = line;
    },
    signal: shell.signal,
  });
};

function lineOf(event: WorkEvent): string {
  if (event.event === 'ready') return `ready: takes jobs from ${event.queue}; Ctrl-C stops`;
  if (event.event === 'trouble') return `warning QUEUE: ${event.message}`;
  const { stage, job, seconds, error } = event;
  return `${job}: ${stage} ${error ? `failed: ${error}` : `done in ${digits(seconds)} s`}`;
}
