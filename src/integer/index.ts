export { compareInteger, type IntegerOptions } from './compare.js';
export { Executor } from './execute.js';
export { FORMS } from './forms.js';
export { compile, type Program } from './program.js';
export type { IntegerComparison, IntegerLayer } from './types.js';
