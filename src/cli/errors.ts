import { EXIT_CODES, type Location, QuantizeError } from '../errors.js';

/**
 * What the user reads when a command fails: code and message, where, what to do. A bug says how to report it; its
 * stack shows with --verbose or QUANTIZE_DEBUG only, because to a user it is noise.
 */
export function describeError(error: unknown, showStack: boolean): string {
  if (error instanceof QuantizeError && error.kind !== 'bug') {
    const lines = [`error ${error.code}: ${error.message}`, ...places(error.where)];
    if (error.hint) lines.push(`  hint: ${error.hint}`);
    return [...lines, ...(showStack ? [stackOf(error)] : [])].join('\n');
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof QuantizeError ? error.code : 'BUG';
  return [
    `error ${code}: ${message}`,
    ...(error instanceof QuantizeError ? places(error.where) : []),
    '  this is a bug in quantize, not in what you gave it',
    showStack
      ? stackOf(error)
      : '  hint: run it again with QUANTIZE_DEBUG=1 and report the command and the stack that it prints',
  ].join('\n');
}

/** After Ctrl-C: nothing is there, or only what a stage says that it kept. */
export const describeInterruption = (error: unknown): string =>
  error instanceof QuantizeError && error.kind === 'interrupted' && error.hint
    ? `interrupted: ${error.message}\n  hint: ${error.hint}`
    : 'interrupted; nothing was written';

/** Exit code of whatever was thrown; an aborted run is an interruption however the stage reported it. */
export function exitCodeOf(error: unknown, aborted: boolean): number {
  if (aborted) return EXIT_CODES.interrupted;
  return error instanceof QuantizeError ? error.exitCode : EXIT_CODES.bug;
}

const LABELS: [keyof Location, string][] = [
  ['file', 'file'],
  ['node', 'node'],
  ['tensor', 'tensor'],
  ['byte', 'byte'],
  ['sample', 'sample'],
];

/** "  where: node conv1, tensor w, byte 12", or nothing. */
export const placeText = (where: Location): string =>
  LABELS.flatMap(([key, label]) => (where[key] === undefined ? [] : [`${label} ${where[key]}`])).join(', ');

const places = (where: Location): string[] => {
  const text = placeText(where);
  return text ? [`  where: ${text}`] : [];
};

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
