export { actionFor, scaled } from './action.js';
export { type LocalError, localErrors } from './local.js';
export { type MeasureOptions, measureTrials, type Trial } from './measure.js';
export type * from './types.js';
