import { describeError, describeInterruption, exitCodeOf } from './errors.js';
import { runProgram } from './program.js';
import type { Shell } from './shell.js';
import { versionOf } from './version.js';

/** Time that a stage has to stop by itself after Ctrl-C; outputs appear atomically, so leaving then is safe. */
const GRACE_MS = 3000;
const INTERRUPTED = 130;

/**
 * The command line: parses, runs, prints errors.
 * @param argv as node gives it: interpreter, script, arguments
 * @returns the exit code (see EXIT_CODES in src/errors.ts)
 */
export async function main(argv: string[]): Promise<number> {
  const stop = new AbortController();
  const restore = interruptible(stop);
  ignoreClosedPipes();
  const shell: Shell = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signal: stop.signal,
    pipeline: () => import('../pipeline.js'),
  };
  try {
    await runProgram(argv.slice(2), versionOf(), shell);
    return 0;
  } catch (error) {
    const aborted = stop.signal.aborted;
    if (aborted) process.stderr.write(`${describeInterruption(error)}\n`);
    else process.stderr.write(`${describeError(error, wantsStack(argv))}\n`);
    return exitCodeOf(error, aborted);
  } finally {
    restore();
  }
}

const wantsStack = (argv: string[]): boolean =>
  Boolean(process.env.QUANTIZE_DEBUG) || argv.includes('--verbose') || argv.includes('-v');

/** The first signal asks the stages to stop; a second one, or the end of the grace time, leaves at once. */
function interruptible(stop: AbortController): () => void {
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(INTERRUPTED);
    stop.abort();
    setTimeout(() => process.exit(INTERRUPTED), GRACE_MS).unref();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}

/**
 * `quantize … | head` closes our output; that is the reader's right. The work goes on and its exit code stands: a
 * command that streams a model notices by itself (streams.ts).
 */
function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
