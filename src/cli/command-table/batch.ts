import { RESOURCES, TALK } from '../options/groups.js';
import type { CommandSpec } from './spec.js';

const SHARED = {
  threads: { description: 'processor cores to use at a time; default: all' },
  memory: { description: 'most memory for all jobs that run at a time, as estimated, such as 4G' },
};

/** Commands that do many jobs. */
export const BATCH_COMMANDS: readonly CommandSpec[] = [
  {
    id: 'batch',
    summary:
      'many models × chips × schemes from one file; shares calibration, resumes, does only what changed',
    detail:
      'The file lists models, targets, schemes and settings, which are the options of the main job by their long\n' +
      'names. Paths are relative to it. A job that fails does not stop the others; the exit code says that one did.',
    operands: [{ name: '<jobs>', description: 'a YAML or JSON file' }],
    options: [
      'dryRun',
      'baseline',
      'maxRegression',
      'events',
      'junit',
      'sarif',
      'html',
      'engine',
      'redis',
      'shards',
      ...TALK,
      ...RESOURCES,
    ],
    overrides: {
      ...SHARED,
      html: { description: 'also write an overview as one page, and the report of each job beside it' },
    },
    examples: [
      ['batch jobs.yaml --dry-run', 'what would be done'],
      ['batch jobs.yaml --junit quantize.xml -f markdown >> "$GITHUB_STEP_SUMMARY"', 'in CI'],
      ['batch jobs.yaml --engine bullmq --redis redis://queue:6379', 'on many machines'],
      ['batch jobs.yaml --baseline last.json --max-regression drop=0.5', 'fail when a model got worse'],
    ],
    load: () => import('../commands/batch.js'),
  },
  {
    id: 'worker',
    summary: 'do the jobs of batches on other machines, until it is stopped',
    detail:
      'Machines share a folder, at the same path on each, and a Redis or Valkey server. Whoever may write to that\n' +
      'server decides what a worker reads and writes: give it a password, and TLS outside of a trusted network.',
    operands: [],
    options: ['redis', 'concurrency', 'lease', 'timeout', 'quiet', ...RESOURCES],
    overrides: SHARED,
    examples: [['worker --redis redis://queue:6379 --concurrency 2', 'on each machine']],
    load: () => import('../commands/worker.js'),
  },
];
