export { hasVnni } from './host.js';
export { openModel, type StoredModel, storeModel, tensorBytes } from './open.js';
export { ORT_LEVEL, ortBytes } from './ort-format.js';
export { openSession } from './session.js';
export type * from './types.js';
export { runtimeVersion } from './version.js';
