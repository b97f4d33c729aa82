import { availableParallelism, freemem } from 'node:os';
import type { Budget, QueueAddress } from '../../batch/types.js';
import { usageError } from '../../errors.js';
import type { Options } from '../options/index.js';
import type { Shell } from '../shell.js';

/** Share of the free memory that is taken when nothing is said. */
const MEMORY_SHARE = 0.75;

export const budgetOf = (options: Options, stated: Partial<Budget> = {}): Budget => ({
  memory: options.memory ?? stated.memory ?? MEMORY_SHARE * freemem(),
  threads: options.threads ?? stated.threads ?? availableParallelism(),
});

/** @throws QuantizeError NO_QUEUE (usage) */
export function queueAddress({ redis }: Options, { env }: Shell): QueueAddress {
  const url = redis ?? env.REDIS_URL;
  if (url) return { url, password: env.REDIS_PASSWORD };
  throw usageError('NO_QUEUE', 'where jobs wait was not said', {
    hint: 'add --redis redis://host:6379, or set REDIS_URL',
  });
}
