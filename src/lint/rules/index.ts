import type { Runtime } from '../runtimes.js';
import type { Rule } from '../types.js';
import { COREML } from './coreml.js';
import { ONNXRUNTIME } from './onnxruntime.js';
import { PLACEMENT } from './placement.js';
import { STANDARD } from './standard.js';
import { TENSORRT } from './tensorrt.js';
import { TFLITE } from './tflite.js';

/** The registry of lint rules. */
export const RULES: readonly Rule[] = [
  ...STANDARD,
  ...TENSORRT,
  ...PLACEMENT,
  ...COREML,
  ...TFLITE,
  ...ONNXRUNTIME,
];

const ids = new Set(RULES.map((r) => r.id));
if (ids.size !== RULES.length) throw new RangeError('two lint rules have one id');

/** Those that a runtime asks. */
export const rulesFor = (runtime: Runtime): Rule[] => RULES.filter((rule) => rule.for[runtime]);
