import type { Pipeline } from './engine.js';

/** A stream that text goes to; `process.stdout` and `process.stderr` are, and so is a test's collector. */
export interface Sink {
  write(chunk: string | Uint8Array, done?: (error?: Error | null) => void): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** All that a command may touch of the world outside: streams, environment, the stages, the wish to stop. */
export interface Shell {
  stdin: AsyncIterable<string | Uint8Array>;
  stdout: Sink;
  stderr: Sink;
  env: Record<string, string | undefined>;
  signal: AbortSignal;
  /** Imports the pipeline: only commands that work on a model pay for loading it. */
  pipeline(): Promise<Pipeline>;
}

/** NO_COLOR (any value, no-color.org) and a dumb terminal win over a TTY; FORCE_COLOR asks for colour in a pipe. */
export function wantsColor(sink: Sink, env: Shell['env']): boolean {
  if (env.NO_COLOR || env.TERM === 'dumb') return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return sink.isTTY === true;
}

/** Columns to fill: the terminal's, COLUMNS, or 100 in a pipe. */
export function widthOf(sink: Sink, env: Shell['env']): number {
  const stated = sink.columns ?? Number(env.COLUMNS);
  return stated > 0 ? Math.floor(stated) : 100;
}
