export { openModel } from './open.js';
export { openSession } from './session.js';
export type * from './types.js';
