import { HEADINGS } from './headings.js';
import { regression, whole } from './parse.js';
import type { OptionSpec } from './spec.js';

/** Options of `quantize batch` alone. */
export const BATCH_OPTIONS = {
  dryRun: {
    flags: '--dry-run',
    description: 'say what would be done, and do nothing',
    group: HEADINGS.output,
  },
  events: {
    flags: '--events',
    description: 'a line of JSON on stdout for everything that happens',
    group: HEADINGS.output,
  },
  junit: {
    flags: '--junit <file>',
    description: 'also write the outcome of each job as JUnit XML, which CI systems show',
    group: HEADINGS.output,
    path: true,
  },
  sarif: {
    flags: '--sarif <file>',
    description: 'also write what failed and what was warned of as SARIF, which code hosts show',
    group: HEADINGS.output,
    path: true,
  },
  baseline: {
    flags: '--baseline <file>',
    description: 'JSON that an earlier batch printed (-f json), to compare with',
    group: HEADINGS.gates,
    path: true,
  },
  maxRegression: {
    flags: '--max-regression <what=much>',
    description:
      'most that a job may lose against --baseline: drop=<points>, size=<percent> or latency=<percent>; repeatable',
    group: HEADINGS.gates,
    parse: regression,
  },
  engine: {
    flags: '--engine <engine>',
    description: 'what does the jobs',
    group: HEADINGS.machines,
    default: 'local',
    source: 'engines',
  },
  redis: {
    flags: '--redis <url>',
    description:
      'Redis or Valkey, redis://host:6379 or rediss:// for TLS; default: REDIS_URL. A password is taken from REDIS_PASSWORD',
    group: HEADINGS.machines,
  },
  shards: {
    flags: '--shards <n>',
    description: 'parts that the samples of a model are calibrated in; default: as keeps all workers busy',
    group: HEADINGS.machines,
    parse: whole('shards', 1),
  },
  concurrency: {
    flags: '--concurrency <n>',
    description: 'jobs at a time',
    group: HEADINGS.resources,
    default: 1,
    parse: whole('concurrency', 1),
  },
  lease: {
    flags: '--lease <seconds>',
    description: 'after so much silence of this worker others take its jobs',
    group: HEADINGS.resources,
    default: 30,
    parse: whole('lease', 1),
  },
  timeout: {
    flags: '--timeout <seconds>',
    description: 'a step that takes longer hangs, and is ended and tried again',
    group: HEADINGS.resources,
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
