export { writeAtomic } from './atomic.js';
export { decodeModel, encodedSize, encodeModel } from './codec.js';
export { type FolderFile, saveFolder } from './folder.js';
export { type LoadedModel, type LoadOptions, loadModel } from './load.js';
export { type SaveOptions, saveModel } from './save.js';
