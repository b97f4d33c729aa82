import { nearestNames, usageError } from '../../errors.js';
import type { CalibrationMethod } from '../types.js';
import { minmax } from './minmax.js';

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
export const METHODS: readonly CalibrationMethod[] = checkIds([minmax]);

/**
 * The method of a name as the user writes it.
 * @throws QuantizeError UNKNOWN_METHOD (usage)
 */
export function findMethod(name: string): CalibrationMethod {
  const found = METHODS.find(({ id }) => id === name);
  if (found) return found;
  const ids = METHODS.map(({ id }) => id);
  const [nearest] = nearestNames(name, ids);
  throw usageError('UNKNOWN_METHOD', `There is no calibration method "${name}".`, {
    hint: `${nearest ? `Did you mean "${nearest}"? ` : ''}The methods are ${ids.join(', ')}.`,
  });
}
