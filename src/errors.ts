/**
 * The errors that a user can meet. Each has a stable code, says where the trouble is and what to do about it,
 * and carries the exit code of its kind: 2 usage, 3 the input is invalid, 4 not supported, 5 a gate failed,
 * 130 interrupted. Everything else that is thrown is a bug here (exit code 1).
 */
export type ErrorKind = 'usage' | 'invalid' | 'unsupported' | 'gate' | 'interrupted' | 'bug';

export const EXIT_CODES: Record<ErrorKind, number> = {
  bug: 1,
  usage: 2,
  invalid: 3,
  unsupported: 4,
  gate: 5,
  interrupted: 130,
};

/** Where something is: any subset of file, node, tensor, byte offset, sample. */
export interface Location {
  file?: string;
  node?: string;
  tensor?: string;
  byte?: number;
  sample?: string;
}

export class QuantizeError extends Error {
  readonly kind: ErrorKind;
  /** Stable and documented, SCREAMING_SNAKE: `MODEL_TRUNCATED`, `UNKNOWN_LAYER`. */
  readonly code: string;
  readonly where: Location;
  /** What the user can do about it, one sentence. */
  readonly hint?: string;

  constructor(
    kind: ErrorKind,
    code: string,
    message: string,
    details: { where?: Location; hint?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.name = 'QuantizeError';
    this.kind = kind;
    this.code = code;
    this.where = details.where ?? {};
    this.hint = details.hint;
  }

  get exitCode(): number {
    return EXIT_CODES[this.kind];
  }
}

/** An error as plain data, to pass from thread to thread. */
export type PackedError = { message: string; stack?: string } & (
  | { code: string; kind: ErrorKind; where: Location; hint?: string }
  | { code?: undefined }
);

export function packError(error: unknown): PackedError {
  if (error instanceof QuantizeError) {
    const { message, stack, code, kind, where, hint } = error;
    return { message, stack, code, kind, where, hint };
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { message, stack };
}

export function unpackError(packed: PackedError): Error {
  const error =
    packed.code === undefined
      ? new Error(packed.message)
      : new QuantizeError(packed.kind, packed.code, packed.message, packed);
  error.stack = packed.stack;
  return error;
}

type Details = { where?: Location; hint?: string; cause?: unknown };

export const usageError = (code: string, message: string, details?: Details) =>
  new QuantizeError('usage', code, message, details);
export const invalidError = (code: string, message: string, details?: Details) =>
  new QuantizeError('invalid', code, message, details);
export const unsupportedError = (code: string, message: string, details?: Details) =>
  new QuantizeError('unsupported', code, message, details);
export const gateError = (code: string, message: string, details?: Details) =>
  new QuantizeError('gate', code, message, details);
export const bugError = (code: string, message: string, details?: Details) =>
  new QuantizeError('bug', code, message, details);

/**
 * A finding that does not stop the work. Stages return these; only the command line prints them.
 * `warning`: the result may not be what the user wants; `note`: worth knowing.
 */
export interface Diagnostic {
  level: 'note' | 'warning';
  code: string;
  message: string;
  where?: Location;
}

/** The nearest of `candidates` to a mistyped name by edit distance, best first, at most `count`. */
export function nearestNames(name: string, candidates: Iterable<string>, count = 3): string[] {
  const scored = [...candidates].map((candidate) => ({ candidate, distance: editDistance(name, candidate) }));
  scored.sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1));
  const limit = Math.max(3, Math.ceil(name.length / 2));
  return scored
    .filter((s) => s.distance <= limit)
    .slice(0, count)
    .map((s) => s.candidate);
}

/** Levenshtein distance, two rows; names longer than 128 characters compare by their first 128. */
function editDistance(a: string, b: string): number {
  const s = a.slice(0, 128);
  const t = b.slice(0, 128);
  let previous = Array.from({ length: t.length + 1 }, (_, j) => j);
  for (let i = 1; i <= s.length; i++) {
    const current = [i];
    for (let j = 1; j <= t.length; j++) {
      const substitute = previous[j - 1] + (s[i - 1] === t[j - 1] ? 0 : 1);
      current.push(Math.min(substitute, previous[j] + 1, current[j - 1] + 1));
    }
    previous = current;
  }
  return previous[t.length];
}
