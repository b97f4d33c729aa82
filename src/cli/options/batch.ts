import type { OptionSpec } from './index.js';
import { regression, whole } from './parse.js';

const ENGINE = 'Many machines:';
const LIMITS = 'Resources:';

/** Options of `quantize batch` alone. */
export const BATCH_OPTIONS = {
  dryRun: { flags: '--dry-run', description: 'say what would be done, and do nothing', group: 'Output:' },
  events: {
    flags: '--events',
    description: 'a line of JSON on stdout for everything that happens',
    group: 'Output:',
  },
  junit: {
    flags: '--junit <file>',
    description: 'also write the outcome of each job as JUnit XML, which CI systems show',
    group: 'Output:',
    path: true,
  },
  sarif: {
    flags: '--sarif <file>',
    description: 'also write what failed and what was warned of as SARIF, which code hosts show',
    group: 'Output:',
    path: true,
  },
  baseline: {
    flags: '--baseline <file>',
    description: 'JSON that an earlier batch printed (-f json), to compare with',
    group: 'Gates (exit code 5 when one fails):',
    path: true,
  },
  maxRegression: {
    flags: '--max-regression <what=much>',
    description:
      'most that a job may lose against --baseline: drop=<points>, size=<percent> or latency=<percent>; repeatable',
    group: 'Gates (exit code 5 when one fails):',
    parse: regression,
  },
  engine: {
    flags: '--engine <engine>',
    description: 'what does the jobs',
    group: ENGINE,
    default: 'local',
    source: 'engines',
  },
  redis: {
    flags: '--redis <url>',
    description:
      'Redis or Valkey, redis://host:6379 or rediss:// for TLS; default: REDIS_URL. A password is taken from REDIS_PASSWORD',
    group: ENGINE,
  },
  shards: {
    flags: '--shards <n>',
    description: 'parts that the samples of a model are calibrated in; default: as keeps all workers busy',
    group: ENGINE,
    parse: whole('shards', 1),
  },
  concurrency: {
    flags: '--concurrency <n>',
    description: 'jobs at a time',
    group: LIMITS,
    default: 1,
    parse: whole('concurrency', 1),
  },
  lease: {
    flags: '--lease <seconds>',
    description: 'after so much silence of this worker others take its jobs',
    group: LIMITS,
    default: 30,
    parse: whole('lease', 1),
  },
  timeout: {
    flags: '--timeout <seconds>',
    description: 'a step that takes longer hangs, and is ended and tried again',
    group: LIMITS,
    default: 3600,
    parse: whole('timeout', 1),
  },
} satisfies Record<string, OptionSpec>;

export interface BatchOptions {
  dryRun?: boolean;
  events?: boolean;
  junit?: string;
  sarif?: string;
  baseline?: string;
  maxRegression?: Record<string, number>;
  engine?: string;
  redis?: string;
  shards?: number;
  concurrency?: number;
  lease?: number;
  timeout?: number;
}
