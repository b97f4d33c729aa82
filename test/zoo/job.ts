import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { Report } from '../../src/report/types.js';

export interface Job {
  /** Exit code of the command. */
  code: number;
  /** What it printed with --format json, when it succeeded. */
  report?: Report;
  stderr: string;
}

/** Runs `quantize … --format json --quiet` as a user does, in a process of its own. */
export function runJob(args: readonly string[]): Promise<Job> {
  const command = [
    join(import.meta.dirname, '../../bin/quantize.js'),
    ...args,
    '--format',
    'json',
    '--quiet',
  ];
  return new Promise((done) => {
    execFile(process.execPath, command, { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      const code = error ? Number(error.code ?? -1) : 0;
      done({ code, stderr, ...(code === 0 ? { report: JSON.parse(stdout) as Report } : {}) });
    });
  });
}
