import { COMPARE, INSPECT, REPORT, SENSITIVITY } from './analysis.js';
import { BATCH_COMMANDS } from './batch.js';
import { LISTING_COMMANDS } from './listings.js';
import { EXPORT, LINT } from './packages.js';
import { APPLY, PLAN, QUANTIZE } from './quantize.js';
import type { CommandSpec } from './spec.js';
import { CALIBRATE, MERGE } from './statistics.js';
import { TRAIN } from './train.js';

/** Every command, in the order in which help lists them. */
export const COMMANDS: readonly CommandSpec[] = [
  QUANTIZE,
  INSPECT,
  CALIBRATE,
  MERGE,
  PLAN,
  APPLY,
  EXPORT,
  LINT,
  COMPARE,
  SENSITIVITY,
  TRAIN,
  REPORT,
  ...BATCH_COMMANDS,
  ...LISTING_COMMANDS,
];

export type { Action, CommandSpec } from './spec.js';
