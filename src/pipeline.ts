/** The stages in order, as the commands and the library use them. No stage calls another; only this does. */
export { type LintReport, lintSarif, rulesFor } from './lint/index.js';
export { apply } from './pipeline/apply.js';
export { type Comparison, compare } from './pipeline/compare.js';
export type { Reported } from './pipeline/detail.js';
export type { Result } from './pipeline/finish.js';
export { forecast } from './pipeline/forecast.js';
export { type Inspection, inspect } from './pipeline/inspect.js';
export { lintFile } from './pipeline/lint.js';
export type { JobOptions, ProgressEvent, SampleSettings } from './pipeline/options.js';
export {
  type ExportOptions,
  type ExportResult,
  exportModel,
  type PackageReport,
} from './pipeline/package/index.js';
export { plan, quantize, train } from './pipeline/quantize.js';
export { report } from './pipeline/report.js';
export { dataFiles } from './pipeline/samples.js';
export { type Sensitivity, sensitivity } from './pipeline/sensitivity.js';
export { type Compared, reportOn, sideBySide } from './pipeline/side-by-side.js';
export { resolveTarget } from './pipeline/stages.js';
export { calibrate, calibrateFor, merge, passFile, type Variant } from './pipeline/statistics.js';
export { type Survey, survey } from './pipeline/survey.js';
export type { TrainingOptions } from './pipeline/training/index.js';
export { givenRows, type Validation, validate } from './validation/index.js';
