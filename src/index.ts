// The library: `import { quantize } from 'onnx-quantize'`. The command line is a thin shell over the same functions.
export { FORMATS, type FormatId, type NumberFormat } from '../kernels/formats.js';
export { findTarget, parseTarget, TARGETS } from '../targets/index.js';
export type { Fact, Target } from '../targets/types.js';
export { findMethod, METHODS } from './calibrate/methods/index.js';
export type { CalibrationMethod, Stats, TensorStats } from './calibrate/types.js';
export { PRESETS } from './data/presets.js';
export type { PreprocessOptions } from './data/types.js';
export { type Diagnostic, type ErrorKind, EXIT_CODES, type Location, QuantizeError } from './errors.js';
export * from './pipeline.js';
export { parseScheme, SCHEMES } from './plan/scheme.js';
export type { Plan, Scheme } from './plan/types.js';
export type { Figure, Report } from './report/types.js';
export type { Metrics } from './verify/types.js';
