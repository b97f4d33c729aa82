import type { Engine } from './types.js';

export { type Limits, regressions } from './baseline.js';
export type * from './types.js';

/** What can do a batch's jobs. Each is imported when it is used. */
export const ENGINES: readonly Engine[] = [
  {
    id: 'local',
    description: 'processes on this machine; nothing to install',
    run: async (jobs, options) => (await import('./local.js')).localEngine(jobs, options),
  },
  {
    id: 'bullmq',
    description: 'workers on any number of machines that share a folder, through Redis or Valkey',
    run: async (jobs, options) => (await import('./queue/engine.js')).queueEngine(jobs, options),
  },
];
