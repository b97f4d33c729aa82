import { elementCount } from '../../ir/tensor.js';
/**
 * Which products TensorRT has no good 8-bit kernel for: NVIDIA's own quantizer leaves them in float16 (Model-Optimizer
 * 2026-08, ONNX path, exclusions of Conv, MatMul and attention; formats.md C4, peers.md B2).
 */
export type EightBit = 'fp8' | 'int8';

export interface Filter {
  outputs: number;
  /** Channels of one group: 1 for a depthwise convolution. */
  inputs: number;
  groups: number;
  kernel: readonly number[];
  /** Reads an input of the model. */
  first: boolean;
}

/** m × k by k × n; a size that is not known is left out. */
export interface ProductSize {
  m?: number;
  k?: number;
  n?: number;
}

export const TENSORRT_LIMITS = {
  /** Channels of a convolution that tensor cores take without padding; FP8 kernels need more than that. */
  channels: 16,
  /** Positions of an FP8 kernel. */
  taps: 32,
  /** Integer exceptions: channels come in groups of so many, and depthwise kernels are at least so wide. */
  group: 8,
  depthwise: 3,
  /** Rows and columns of a weight. */
  matrix: 16,
  /** Size of a head in fused attention. */
  head: { fp8: { above: 8, most: 256 }, int8: { above: 0, most: 256 } },
  /** Tokens of fused attention in int8. */
  tokens: { fp8: Number.POSITIVE_INFINITY, int8: 512 },
  /** Values that share a scale in 4-bit weights. */
  blocks: [64, 128] as readonly number[],
} as const;

const L = TENSORRT_LIMITS;
const isKind = (format: string): format is EightBit => format === 'fp8' || format === 'int8';

/** Why a convolution stays out of a format; undefined where it does not. */
export function unsuitedFilter(format: string, filter: Filter): string | undefined {
  if (!isKind(format)) return undefined;
  const { outputs, inputs, groups, kernel } = filter;
  const narrow = Math.min(outputs, inputs);
  if (format === 'fp8') {
    const taps = elementCount(kernel);
    if (narrow <= L.channels)
      return groups > 1
        ? `grouped: ${inputs} channels a group, FP8 convolutions need more than ${L.channels}`
        : `${narrow} channels, FP8 convolutions need more than ${L.channels}`;
    return taps > L.taps ? `${taps} taps, FP8 convolutions have at most ${L.taps}` : undefined;
  }
  return narrow >= L.channels || padsWell(filter)
    ? undefined
    : `${narrow} channels: too few for int8 kernels`;
}

/** Small convolutions that gain from int8 all the same. */
function padsWell({ outputs, inputs, groups, kernel, first }: Filter): boolean {
  if (groups > 1) return outputs % L.group === 0 && kernel.every((k) => k >= L.depthwise);
  const whole = outputs % L.group === 0 || inputs % L.group === 0;
  const square = kernel.every((k) => k === kernel[0]);
  return whole && square && (first || Math.max(outputs, inputs) >= L.channels);
}

/** Why a product with a constant matrix stays out of 8 bits; undefined where it does not. */
export function unsuitedProduct(format: string, { m, k, n }: ProductSize): string | undefined {
  if (!isKind(format)) return undefined;
  if (m === 1 || n === 1) return 'a matrix by a vector: bound by memory, no tensor core helps';
  const least = Math.min(k ?? L.matrix, n ?? L.matrix);
  return least < L.matrix ? `${least} rows or columns, tensor cores take at least ${L.matrix}` : undefined;
}

/** Why a product of two activations stays out of 8 bits: attention is fused for some sizes only. */
export function unsuitedAttention(
  format: string,
  { head, tokens }: { head?: number; tokens?: number },
): string | undefined {
  if (!isKind(format)) return undefined;
  const { above, most } = L.head[format];
  if (head !== undefined && (head <= above || head > most))
    return `heads of ${head}: fused attention in ${format} takes ${above + 1} to ${most}`;
  if (tokens !== undefined && tokens > L.tokens[format])
    return `${tokens} tokens: fused attention in ${format} takes at most ${L.tokens[format]}`;
  return undefined;
}
