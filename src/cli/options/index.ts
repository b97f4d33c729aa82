import { ACCURACY_OPTIONS, type AccuracyOptions } from './accuracy.js';
import { ANALYSIS_OPTIONS, type AnalysisOptions } from './analysis.js';
import { BATCH_OPTIONS, type BatchOptions } from './batch.js';
import { IMAGE_OPTIONS, type ImageOptions } from './images.js';
import { MAKING_OPTIONS, type MakingOptions } from './making.js';
import { OUTPUT_OPTIONS, type OutputOptions } from './output.js';
import { PACKAGE_OPTIONS, type PackageOptions } from './packages.js';
import { REPORT_OPTIONS, type ReportOptions } from './report.js';
import { RESOURCE_OPTIONS, type ResourceOptions } from './resources.js';
import { SAMPLE_OPTIONS, type SampleOptions } from './samples.js';
import type { OptionSpec } from './spec.js';
import { TRAINING_OPTIONS, type TrainingOptionValues } from './training.js';
import { WRITING_OPTIONS, type WritingOptions } from './writing.js';

/** Every option of every command, once: a family a file, with the types of what it amounts to. */
export const OPTIONS = {
  ...ACCURACY_OPTIONS,
  ...ANALYSIS_OPTIONS,
  ...BATCH_OPTIONS,
  ...IMAGE_OPTIONS,
  ...MAKING_OPTIONS,
  ...OUTPUT_OPTIONS,
  ...PACKAGE_OPTIONS,
  ...REPORT_OPTIONS,
  ...RESOURCE_OPTIONS,
  ...SAMPLE_OPTIONS,
  ...TRAINING_OPTIONS,
  ...WRITING_OPTIONS,
} satisfies Record<string, OptionSpec>;

export type OptionId = keyof typeof OPTIONS;
export const optionSpec = (id: OptionId): OptionSpec => OPTIONS[id];

/** What the options of a command line amount to; absent ones are undefined. */
export interface Options
  extends AccuracyOptions,
    AnalysisOptions,
    BatchOptions,
    ImageOptions,
    MakingOptions,
    OutputOptions,
    PackageOptions,
    ReportOptions,
    ResourceOptions,
    SampleOptions,
    TrainingOptionValues,
    WritingOptions {}

export type { Format } from './output.js';
export type { ChoiceSource, OptionSpec } from './spec.js';
