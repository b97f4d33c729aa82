export { type Limits, regressions } from './baseline.js';
export { localEngine } from './local.js';
export type * from './types.js';
