export { actionFor, scaled } from './action.js';
export { rowsOf } from './damage.js';
export { type LocalError, localErrors } from './local.js';
export { type MeasureOptions, measureTrials, type Trial } from './measure.js';
export { rankCorrelation } from './rank.js';
export type * from './types.js';
