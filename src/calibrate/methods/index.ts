import { nearestNames, usageError } from '../../errors.js';
import type { CalibrationMethod } from '../types.js';
import { auto } from './auto.js';
import { entropy } from './entropy.js';
import { minmax } from './minmax.js';
import { movingAverage } from './moving-average.js';
import { mse } from './mse.js';
import { percentile } from './percentile.js';

export { expectedError } from './common.js';

/** Refuses a registry in which two rows have the same id. */
export function checkIds(methods: readonly CalibrationMethod[]): readonly CalibrationMethod[] {
  const ids = new Set<string>();
  for (const { id } of methods) {
    if (ids.has(id)) throw new RangeError(`two calibration methods are called "${id}"`);
    ids.add(id);
  }
  return methods;
}

/** The calibration methods, one file each, in the order of the help. */
export const METHODS: readonly CalibrationMethod[] = checkIds([
  minmax,
  movingAverage,
  percentile,
  entropy,
  mse,
  auto,
]);

export const DEFAULT_METHOD = mse.id;

/**
 * The method of a name as the user writes it: an id, or `id:number` where the method takes a number.
 * @throws QuantizeError UNKNOWN_METHOD or METHOD_PARAMETER (usage)
 */
export function findMethod(name: string): CalibrationMethod {
  const colon = name.indexOf(':');
  const id = colon < 0 ? name : name.slice(0, colon);
  const found = METHODS.find((method) => method.id === id);
  if (!found) throw unknownMethod(id);
  return colon < 0 ? found : withParameter(found, name.slice(colon + 1));
}

function unknownMethod(id: string): Error {
  const ids = METHODS.map((method) => method.id);
  const [nearest] = nearestNames(id, ids);
  return usageError('UNKNOWN_METHOD', `There is no calibration method "${id}".`, {
    hint: `${nearest ? `Did you mean "${nearest}"? ` : ''}The methods are ${ids.join(', ')}.`,
  });
}

function withParameter({ id, parameter }: CalibrationMethod, text: string): CalibrationMethod {
  if (!parameter) {
    throw usageError(
      'METHOD_PARAMETER',
      `The calibration method "${id}" takes no number, but got ":${text}".`,
      {
        hint: `Write "${id}".`,
      },
    );
  }
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value > parameter.above && value < parameter.below)) {
    const limits = `above ${parameter.above} and below ${parameter.below}`;
    throw usageError('METHOD_PARAMETER', `"${id}:${text}" is not a number ${limits}.`, {
      hint: `It is the ${parameter.description}; ${parameter.default} by default.`,
    });
  }
  return parameter.with(value);
}
