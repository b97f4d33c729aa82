import type { OptionSpec } from './options.js';
import { regression } from './values.js';

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
} satisfies Record<string, OptionSpec>;
