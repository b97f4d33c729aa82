import { readFileSync, statSync } from 'node:fs';
import { invalidError, nearestNames, type QuantizeError } from '../errors.js';
import { findPreset, PRESETS } from './presets.js';
import type { PreprocessOptions } from './types.js';

/** A preprocessing file is a handful of numbers. */
const MAX_FILE_BYTES = 65_536;

interface Field {
  expects: string;
  valid(value: unknown): boolean;
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isNumbers = (value: unknown): boolean =>
  isNumber(value) || (Array.isArray(value) && value.length > 0 && value.every(isNumber));
const oneOf = (...names: string[]): Field => ({
  expects: names.map((name) => `"${name}"`).join(', '),
  valid: (value) => typeof value === 'string' && names.includes(value),
});
const above = (low: number, high: number, expects: string): Field => ({
  expects,
  valid: (value) => isNumber(value) && value > low && value <= high,
});

/** What each field may be; the keys are exactly those of PreprocessOptions. */
export const PREPROCESS_FIELDS: Record<keyof PreprocessOptions, Field> = {
  preset: {
    expects: PRESETS.map(({ id }) => `"${id}"`).join(', '),
    valid: (value) => typeof value === 'string' && findPreset(value) !== undefined,
  },
  resize: oneOf('short', 'exact', 'letterbox', 'none'),
  shortSide: {
    expects: 'pixels, 1 to 16384',
    valid: (value) => Number.isInteger(value) && isNumber(value) && value >= 1 && value <= 16_384,
  },
  cropFraction: above(0, 1, 'a number above 0, at most 1'),
  pad: {
    expects: 'a whole number, 0 to 255',
    valid: (value) => isNumber(value) && Number.isInteger(value) && value >= 0 && value <= 255,
  },
  color: oneOf('rgb', 'bgr'),
  scale: { expects: 'a number other than 0', valid: (value) => isNumber(value) && value !== 0 },
  mean: { expects: 'a number, or one for each channel', valid: isNumbers },
  std: { expects: 'a number above 0, or one for each channel', valid: isNumbers },
  layout: oneOf('nchw', 'nhwc'),
  size: {
    expects: '[height, width]',
    valid: (value) =>
      Array.isArray(value) && value.length === 2 && value.every((v) => Number.isInteger(v) && v > 0),
  },
};

/**
 * Checks preprocessing options that came from a file or a command line.
 * @throws PREPROCESS_FILE (invalid) naming the field, with the nearest known name for an unknown one
 */
export function parsePreprocess(json: unknown, file?: string): PreprocessOptions {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw bad(file, 'must be an object of options');
  for (const [key, value] of Object.entries(json)) {
    const field = Object.hasOwn(PREPROCESS_FIELDS, key)
      ? PREPROCESS_FIELDS[key as keyof PreprocessOptions]
      : undefined;
    if (!field) throw bad(file, `has an unknown field "${key}"`, didYouMean(key));
    if (!field.valid(value))
      throw bad(file, `has ${key}: ${JSON.stringify(value)}`, `"${key}" takes ${field.expects}.`);
  }
  return json as PreprocessOptions;
}

function didYouMean(key: string): string {
  const known = Object.keys(PREPROCESS_FIELDS);
  const near = nearestNames(key, known, 1);
  return near.length > 0 ? `Did you mean "${near[0]}"?` : `Known fields: ${known.join(', ')}.`;
}

/** Reads `<model>.preprocess.json`. Throws PREPROCESS_FILE (invalid). */
export function readPreprocess(file: string): PreprocessOptions {
  if (statSync(file).size > MAX_FILE_BYTES) throw bad(file, `is larger than ${MAX_FILE_BYTES} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw bad(file, `is not JSON: ${cause instanceof Error ? cause.message : cause}`);
  }
  return parsePreprocess(json, file);
}

const bad = (file: string | undefined, what: string, hint?: string): QuantizeError =>
  invalidError('PREPROCESS_FILE', `${file ? `"${file}"` : 'preprocessing'} ${what}`, {
    where: { file },
    hint,
  });
