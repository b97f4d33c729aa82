import { findFormat } from '../../kernels/formats.js';
import { CLIPPED } from '../../kernels/grid.js';
import { invalidError } from '../errors.js';
import { isKnownFormat } from './form.js';
import { type Plan, ROUNDINGS } from './types.js';

const SCHEMA = 'onnx-quantize/plan@1';

/** The plan as a file that a person can read, edit and compare: stable order, one decision a block. */
export const encodePlan = (plan: Plan): string => `${JSON.stringify(plan, null, 2)}\n`;

type Check = (value: unknown) => boolean;
const text: Check = (v) => typeof v === 'string';
const finite: Check = (v) => typeof v === 'number' && Number.isFinite(v);
const whole: Check = (v) => Number.isSafeInteger(v);
const positive: Check = (v) => whole(v) && (v as number) > 0;
const share: Check = (v) => finite(v) && (v as number) >= 0 && (v as number) < 1;
const flag: Check = (v) => typeof v === 'boolean';
const numberFormat: Check = (v) => typeof v === 'string' && findFormat(v) !== undefined;
const weightFormat: Check = (v) => typeof v === 'string' && isKnownFormat(v);
const oneOf =
  (...values: unknown[]): Check =>
  (v) =>
    values.includes(v);
const optional =
  (check: Check): Check =>
  (v) =>
    v === undefined || check(v);
const anyOf =
  (...checks: Check[]): Check =>
  (v) =>
    checks.some((check) => check(v));
const listOf =
  (check: Check): Check =>
  (v) =>
    Array.isArray(v) && v.every(check);
const record =
  (fields: Record<string, Check>): Check =>
  (v) =>
    typeof v === 'object' &&
    v !== null &&
    Object.entries(fields).every(([k, check]) => check((v as Record<string, unknown>)[k]));

/** What each list of a plan holds, and in words what an entry must be. */
const LISTS: Record<string, { fields: Record<string, Check>; expected: string }> = {
  activations: {
    fields: {
      tensor: text,
      format: numberFormat,
      scale: (v) => finite(v) && (v as number) > 0,
      zeroPoint: whole,
      range: listOf(finite),
      sharedWith: optional(text),
    },
    expected: 'tensor, format, scale > 0, integer zeroPoint and range [min, max]',
  },
  weights: {
    fields: {
      tensor: text,
      uses: listOf(record({ node: text, input: whole })),
      format: weightFormat,
      granularity: anyOf(
        record({ kind: oneOf('perlayer', 'perchannel', 'none') }),
        record({ kind: oneOf('block'), size: positive }),
      ),
      axis: optional(whole),
      view: optional(listOf(positive)),
      symmetric: flag,
      form: oneOf('linear', 'nibbles', 'codebook', 'cast', 'matmulnbits'),
      clip: optional(oneOf(...CLIPPED)),
      rounding: optional(oneOf(...ROUNDINGS)),
      sparsity: optional(
        record({ pattern: anyOf(oneOf('2:4'), share), axis: whole, view: optional(listOf(positive)) }),
      ),
      weightOnly: flag,
    },
    expected:
      'tensor, uses [{node, input}], format, granularity {kind, size}, axis, symmetric, form, weightOnly',
  },
  biases: {
    fields: { node: text, input: whole, tensor: text, activation: text, weight: text },
    expected: 'node, input, tensor, activation, weight',
  },
  absorption: {
    fields: { tensor: text, offsets: listOf(finite) },
    expected: 'tensor and offsets, one a channel',
  },
  equalization: {
    fields: {
      tensors: listOf(text),
      factors: listOf((v) => finite(v) && (v as number) > 0),
      gainOf: optional(text),
      restored: optional(oneOf(true)),
    },
    expected: 'tensors and factors > 0, one a channel',
  },
  dynamic: {
    fields: { node: text, opType: text, tensor: text, weight: text },
    expected: 'node, opType, tensor, weight',
  },
  integer: { fields: { node: text, opType: text }, expected: 'node, opType' },
  float: { fields: { node: text, opType: text, reason: text }, expected: 'node, opType, reason' },
};

/** Lists that a plan need not have. */
const OPTIONAL = new Set(['absorption', 'equalization']);

const WHAT_A_PLAN_IS =
  'a plan is what `quantize plan -o plan.json` wrote; it comes first: quantize apply plan.json model.onnx';

/**
 * Reads a plan file.
 * @throws QuantizeError PLAN_INVALID (invalid) naming the entry and what was expected there
 */
export function decodePlan(json: string, file: string): Plan {
  const fail = (message: string) => invalidError('PLAN_INVALID', message, { where: { file } });
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw invalidError('PLAN_INVALID', `not JSON: ${(cause as Error).message}`, {
      where: { file },
      hint: WHAT_A_PLAN_IS,
      cause,
    });
  }
  const plan = value as Record<string, unknown>;
  if (plan?.schema !== SCHEMA)
    throw invalidError('PLAN_INVALID', `schema is ${JSON.stringify(plan?.schema)}, expected "${SCHEMA}"`, {
      where: { file },
      hint: WHAT_A_PLAN_IS,
    });
  for (const key of ['model', 'target', 'scheme', 'method', 'evidence'])
    if (!text(plan[key])) throw fail(`"${key}" must be a string`);
  if (plan.encoding !== 'exec' && plan.encoding !== 'spec') throw fail('"encoding" must be exec or spec');
  if (!optional(oneOf('tensorrt'))(plan.placement)) throw fail('"placement" must be tensorrt, or absent');
  if (!optional(oneOf('fp16', 'bf16'))(plan.highPrecision))
    throw fail('"highPrecision" must be fp16 or bf16, or absent');
  if (!optional(whole)(plan.seed)) throw fail('"seed" must be a whole number');
  if (!anyOf(flag, oneOf('sequential', 'expected'))(plan.biasCorrection))
    throw fail('"biasCorrection" must be true, false, "sequential" or "expected"');
  for (const [list, { fields, expected }] of Object.entries(LISTS)) {
    const entries = plan[list] ?? (OPTIONAL.has(list) ? [] : undefined);
    if (!Array.isArray(entries)) throw fail(`"${list}" must be a list`);
    const bad = entries.findIndex((entry) => !record(fields)(entry));
    if (bad >= 0)
      throw fail(
        `${list}[${bad}] must have ${expected}; it is ${JSON.stringify(entries[bad]).slice(0, 200)}`,
      );
  }
  return value as Plan;
}
