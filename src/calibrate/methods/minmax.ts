import type { CalibrationMethod } from '../types.js';
import { observedRange } from './common.js';

/** Nothing seen is clipped. One outlier spends the grid on values that hardly occur. */
export const minmax: CalibrationMethod = {
  id: 'minmax',
  description: 'smallest and largest value seen; clips nothing',
  range: (stats) => observedRange(stats),
};
