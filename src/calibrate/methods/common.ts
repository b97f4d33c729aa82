import type { Range, TensorStats } from '../types.js';

/** The finite extremes; [0, 0] when nothing finite was seen. */
export const observedRange = ({ count, min, max }: TensorStats): Range =>
  count > 0 ? { min, max } : { min: 0, max: 0 };

/** Nothing to choose: no values, or the same value always (`rangeToParams` then makes that value exact). */
export const isConstant = ({ count, min, max }: TensorStats): boolean => count === 0 || min === max;
