/** The pipeline as the command line sees it: types here, code only when a command asks for it (shell.ts). */
export type {
  Compared,
  Comparison,
  Inspection,
  JobOptions,
  LintReport,
  PackageReport,
  ProgressEvent,
  Reported,
  Result,
  Sensitivity,
  Survey,
  TrainingOptions,
} from '../pipeline.js';
export type Pipeline = typeof import('../pipeline.js');
