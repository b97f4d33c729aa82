import { findBlockFormat, type ScaleRule } from '../../kernels/block-formats.js';
import { elementOf } from '../../kernels/grid.js';
import type { Target } from '../../targets/types.js';
import { usageError } from '../errors.js';
import { isOp } from '../ir/graph.js';
import type { Node, Tensor } from '../ir/model.js';
import type { PlanInput } from './flow.js';
import { formOf } from './form.js';
import { type WeightRule, weightRule } from './rules/index.js';
import { usualEncoding } from './scheme.js';
import { forTensorrt } from './tensorrt.js';
import type { Encoding, HighPrecision, Scheme, Sparsity, WeightForm, WeightPlan } from './types.js';

/** What the user may say of how weights are rounded and written. */
export interface Writing {
  /** Default `exec`. */
  encoding?: Encoding;
  /** How weight-only products of few bits are written; default `qdq`. */
  weightOnly?: 'qdq' | 'matmulnbits';
  /** Type of all that is not quantized, for chips of TensorRT; default `fp32`. */
  highPrecision?: 'fp32' | HighPrecision;
  sparsity?: Sparsity;
  /** First and last layers in the scheme's bits too, however few. */
  uniform?: boolean;
  rounding?: 'nearest' | 'stochastic';
  /** Seed of stochastic rounding; default 0. */
  seed?: number;
  scaleRule?: ScaleRule;
}

/** Bits that com.microsoft.MatMulNBits takes, and the shortest of its blocks. */
const NBITS: readonly number[] = [2, 4, 8];
const NBITS_BLOCK = 16;

/**
 * Refuses what a scheme or a target cannot be asked for.
 * @throws QuantizeError SCALE_RULE, WEIGHT_ONLY_FORM, HIGH_PRECISION (usage)
 */
export function checkWriting(
  scheme: Scheme,
  target: Target,
  { scaleRule, weightOnly, highPrecision }: Writing,
): void {
  if (highPrecision && !forTensorrt({ target }))
    throw usageError('HIGH_PRECISION', `${target.name} is not reached through TensorRT`, {
      hint: '--high-precision is for --target h100 and other GPUs; packages have --compute and --io',
    });
  const block = findBlockFormat(scheme.weights);
  if (scaleRule && !block?.rules.includes(scaleRule))
    throw usageError('SCALE_RULE', `${scheme.weights} has no scale rule ${scaleRule}`, {
      hint: block ? `it has ${block.rules.join(', ')}` : 'only MX formats and NVFP4 have such rules',
    });
  const refusal = weightOnly === 'matmulnbits' && refuseScheme(scheme);
  if (refusal)
    throw usageError('WEIGHT_ONLY_FORM', `MatMulNBits cannot hold ${scheme.name}: ${refusal}`, {
      hint: 'use --scheme int4-block32, or leave --weight-only qdq',
    });
}

/** The form of one weight; where it is not the one that was asked for, with the reason. */
export function formFor(
  node: Node,
  role: WeightRule,
  tensor: Tensor,
  { scheme, target, writing = {} }: PlanInput,
  multiplied: boolean,
): { form: WeightForm; note?: string } {
  const form = formOf(scheme.weights, writing.encoding ?? usualEncoding(scheme, target), multiplied);
  if (writing.weightOnly !== 'matmulnbits') return { form };
  const refusal = refuseNBits(node, role, tensor, scheme);
  return refusal ? { form, note: `not MatMulNBits: ${refusal}` } : { form: 'matmulnbits' };
}

function refuseNBits(node: Node, role: WeightRule, tensor: Tensor, scheme: Scheme): string | undefined {
  const refusal = refuseScheme(scheme);
  if (refusal) return refusal;
  if (!isOp(node, 'MatMul') || role.input !== 1 || tensor.dims.length !== 2)
    return 'it is the product of an activation with a constant matrix';
  return undefined;
}

function refuseScheme({ weights, granularity, activations }: Scheme): string | undefined {
  const row = elementOf(weights);
  if (row.kind !== 'integer' || !NBITS.includes(row.bits) || findBlockFormat(weights))
    return `it takes integers of ${NBITS.join(', ')} bits`;
  if (activations !== 'none') return 'it takes activations in float';
  const fits =
    granularity.kind === 'block' &&
    granularity.size >= NBITS_BLOCK &&
    Number.isInteger(Math.log2(granularity.size));
  return fits ? undefined : `its blocks are powers of two from ${NBITS_BLOCK} on`;
}

/** The sparsity that a weight takes: products only, and rows long enough to lose values. */
export function sparsityFor(
  node: Node,
  role: WeightRule,
  tensor: Tensor,
  sparsity: Sparsity | undefined,
): Pick<WeightPlan, 'sparsity'> & { note?: string } {
  if (sparsity === undefined) return {};
  const refusal = refuseSparsity(node, role, tensor, sparsity);
  if (refusal) return { note: `dense: ${refusal}` };
  return { sparsity: { pattern: sparsity, ...role.reduction(node, tensor) } };
}

function refuseSparsity(
  node: Node,
  role: WeightRule,
  tensor: Tensor,
  sparsity: Sparsity,
): string | undefined {
  if (weightRule(node)?.kind !== 'linear') return `${node.opType} multiplies nothing with it`;
  const { axis, view = tensor.dims } = role.reduction(node, tensor);
  const length = view[axis];
  if (isOp(node, 'Conv') && tensor.dims[1] === 1) return 'a depthwise filter has too few values to lose some';
  if (sparsity === '2:4' && length % 4 !== 0) return `${length} values are not whole groups of four`;
  return undefined;
}
