import { findBlockFormat } from '../../kernels/block-formats.js';
import { findFormat, type NumberFormat } from '../../kernels/formats.js';
import { elementOf } from '../../kernels/grid.js';
import type { Encoding, Granularity, Plan, Scheme, WeightForm, WeightPlan } from './types.js';

/** True for what a plan may name as format of a weight. */
export const isKnownFormat = (id: string): boolean =>
  findBlockFormat(id) !== undefined || findFormat(id) !== undefined;

/**
 * onnxruntime 1.30 dequantizes codes of so many bits, but between pairs of activations it makes kernels of 8-bit weights of them,
 * and does not open the model. Of four bits it knows that it must not.
 */
const TWO_BITS = 2;

/** Gather, Cast, Reshape and Mul in the forms that codebooks and casts are written in. */
const PLAIN_OPSET = 13;
/** DequantizeLinear takes scales of E8M0 from here on. */
const E8M0_OPSET = 24;

/**
 * How a format is written. DequantizeLinear where it takes the type: of onnxruntime's provider for `exec`, of the
 * standard for `spec`. All other formats are packed codes with a table of their values; ONNX has no type of them either.
 * @param multiplied with rounded activations, by a node that computes in integers
 */
export function formOf(id: string, encoding: Encoding, multiplied = false): WeightForm {
  const row = elementOf(id);
  if (row.bits === TWO_BITS && encoding === 'exec' && multiplied) return 'nibbles';
  if (row.kind === 'float' && !row.scaled) return 'cast';
  const taken = encoding === 'spec' ? Number.isFinite(row.opset) : row.executable;
  return taken ? 'linear' : 'codebook';
}

/** From here on there are codes of 4 and 16 bits, and blocks: what layers of a mixed scheme may be. */
export const MIXED_OPSET = 21;

/** Lowest ai.onnx opset that can express weights of a scheme. */
export function weightOpset({ weights, granularity, mixed }: Scheme, encoding: Encoding): number {
  if (mixed) return MIXED_OPSET;
  const row = elementOf(weights);
  const linear = formOf(weights, encoding) === 'linear';
  if (!linear) return PLAIN_OPSET;
  const powers = encoding === 'spec' && findBlockFormat(weights)?.scale === 'e8m0';
  return Math.max(linearOpset(row, granularity), powers ? E8M0_OPSET : 0);
}

function linearOpset(row: NumberFormat, { kind }: Granularity): number {
  if (kind === 'block') return row.opsetBlocked;
  return kind === 'perchannel' ? row.opsetPerAxis : row.opset;
}

/** The weight in the form that onnxruntime runs. */
export const executableWeight = (weight: WeightPlan): WeightPlan =>
  weight.form === 'matmulnbits'
    ? weight
    : { ...weight, form: formOf(weight.format, 'exec', !weight.weightOnly) };

/** The plan in the forms that onnxruntime runs: what a plan for other readers is tried and measured in. */
export const executable = (plan: Plan): Plan =>
  plan.encoding === 'exec'
    ? plan
    : { ...plan, encoding: 'exec', weights: plan.weights.map(executableWeight) };
