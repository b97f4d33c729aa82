export { openModel, type StoredModel, storeModel, tensorBytes } from './open.js';
export { openSession } from './session.js';
export type * from './types.js';
export { runtimeVersion } from './version.js';
