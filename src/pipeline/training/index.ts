export { trainDraft } from './course.js';
export type { TrainingOptions } from './options.js';
export { worthOf } from './summary.js';
