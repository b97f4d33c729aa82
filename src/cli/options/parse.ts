// Text of an option → its value. Each throws a usage error that says what was expected and what came.
import { usageError } from '../../errors.js';

const complain = (flag: string, expected: string, text: string): never => {
  throw usageError('OPTION_VALUE', `--${flag} expects ${expected}, but received "${text}"`);
};

export const whole =
  (flag: string, least = 0) =>
  (text: string): number => {
    const value = Number(text);
    return /^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least
      ? value
      : complain(flag, `a whole number from ${least} up`, text);
  };

/** One of a few numbers. */
export const oneOf =
  <T extends number>(flag: string, values: readonly T[]) =>
  (text: string): T =>
    values.find((value) => String(value) === text) ?? complain(flag, values.join(' or '), text);

export const decimal =
  (flag: string, least = 0) =>
  (text: string): number => {
    const value = Number(text);
    return text.trim() !== '' && Number.isFinite(value) && value >= least
      ? value
      : complain(flag, least === 0 ? 'a number from 0 up' : 'a number', text);
  };

export const numbers =
  (flag: string, count?: number) =>
  (text: string): number[] => {
    const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
    const fits = values.every(Number.isFinite) && (count === undefined || values.length === count);
    return fits ? values : complain(flag, `${count ?? 'one or more'} numbers separated by commas`, text);
  };

/** "int4,int8" → both. */
export const words = (text: string): string[] => text.split(',').filter((word) => word !== '');

/** "flip,mix" → both, of a few words. */
export const someOf =
  <T extends string>(flag: string, values: readonly T[]) =>
  (text: string): T[] => {
    const wanted = words(text);
    const known = values.filter((value) => wanted.includes(value));
    if (wanted.length > 0 && wanted.every((word) => (known as string[]).includes(word))) return known;
    return complain(flag, `${values.join(', ')}, or several with commas`, text);
  };

export const collect = (text: string, previous: unknown): string[] => [
  ...((previous as string[]) ?? []),
  text,
];

/** "batch=1" → { batch: 1 }, added to those given before. */
export function dimension(text: string, previous: unknown): Record<string, number> {
  const at = text.lastIndexOf('=');
  const size = Number(text.slice(at + 1));
  if (at < 1 || !Number.isSafeInteger(size) || size < 1) complain('dim', 'name=size, such as batch=1', text);
  return { ...(previous as Record<string, number>), [text.slice(0, at)]: size };
}

/** What a batch may be held to against an earlier one. */
export const REGRESSIONS = ['drop', 'size', 'latency'] as const;

/** "drop=0.5" → { drop: 0.5 }, added to those given before. */
export function regression(text: string, previous: unknown): Record<string, number> {
  const [, what, much] = /^(\w+)=(\d+(?:\.\d+)?)%?$/.exec(text) ?? [];
  if (!(REGRESSIONS as readonly string[]).includes(what))
    complain('max-regression', `${REGRESSIONS.join(', ')} with a number, such as drop=0.5`, text);
  return { ...(previous as Record<string, number>), [what]: Number(much) };
}

/** "0/4" → [0, 4]: the samples whose index leaves 0 when divided by 4. */
export function shard(text: string): [number, number] {
  const [, i, n] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (i === undefined || Number(i) >= Number(n)) complain('shard', 'i/n with 0 ≤ i < n, such as 0/4', text);
  return [Number(i), Number(n)];
}

/** "2:4", or "50%" → 0.5. */
export function sparsity(text: string): '2:4' | number {
  if (text === '2:4') return text;
  const percent = Number(/^(\d+(?:\.\d+)?)%?$/.exec(text)?.[1]);
  return percent > 0 && percent < 100
    ? percent / 100
    : complain('sparsity', '2:4 or a percentage above 0 and below 100, such as 50%', text);
}

/** "size=40%", "size=2.5M", "latency=3ms", "energy=0.5mJ": in bytes, ms and mJ, or a share of the float model's. */
export function budget(text: string): { of: 'size' | 'latency' | 'energy'; value: number; share: boolean } {
  const [, of, amount, unit] = /^(size|latency|energy)=(\d+(?:\.\d+)?)([a-zA-Z%]*)$/.exec(text) ?? [];
  const factor = of === undefined ? undefined : BUDGET_UNITS[of][unit];
  if (factor === undefined || Number(amount) === 0)
    return complain('budget', 'size=40% (of the float file), size=2.5M, latency=3ms or energy=0.5mJ', text);
  return { of: of as 'size', value: Number(amount) * factor, share: unit === '%' };
}

const BYTES: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

const BUDGET_UNITS: Record<string, Record<string, number>> = {
  size: { '%': 0.01, '': 1, B: 1, K: 2 ** 10, kB: 1e3, M: 2 ** 20, MB: 1e6, G: 2 ** 30, GB: 1e9 },
  latency: { '%': 0.01, us: 1e-3, ms: 1, s: 1e3 },
  energy: { '%': 0.01, uJ: 1e-3, mJ: 1, J: 1e3 },
};

/** "400M" → bytes. */
export function bytes(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([KMG]?)B?$/i.exec(text) ?? [];
  if (amount === undefined) return complain('memory', 'a size such as 400M or 2G', text);
  return Math.floor(Number(amount) * BYTES[unit.toUpperCase()]);
}
