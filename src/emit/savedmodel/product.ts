import type { Window } from '../lowering/window.js';
import type { Weight } from '../weight.js';
import { range } from './builder.js';
import type { Codes, Context, IntegerBias } from './context.js';
import type { HloType, Value } from './program.js';
import { codeSums, weightCodes, weightFloats } from './weights.js';

const precision = (dtype: HloType): string => {
  const each = `#stablehlo<precision ${dtype === 'f32' ? 'HIGHEST' : 'DEFAULT'}>`;
  return `[${each}, ${each}]`;
};

/** Sums of int8 are int32, of floats float32. */
const sumType = (x: Value): HloType => (x.dtype === 'i8' ? 'i32' : 'f32');

/** [B…, M, K] · [B…, K, N], or any rank times a matrix [K, N]. */
export function dot(c: Context, x: Value, y: Value): Value {
  const batch = y.dims.length === 2 ? [] : range(x.dims.length - 2);
  const dims = [...x.dims.slice(0, -1), y.dims.at(-1)!];
  const numbers = {
    lhs_batching_dimensions: batch,
    rhs_batching_dimensions: batch,
    lhs_contracting_dimensions: [x.dims.length - 1],
    rhs_contracting_dimensions: [y.dims.length - 2],
  };
  const attributes = {
    dot_dimension_numbers: { kind: 'dot' as const, fields: numbers },
    precision_config: precision(x.dtype),
  };
  return c.op('dot_general', [x, y], dims, attributes, sumType(x));
}

/** A window over values with `spread[i]` − 1 zeros between each two. */
export interface Sliding extends Omit<Window, 'extra'> {
  spread?: number[];
}

/**
 * A convolution of x [N, C, …] with filters [O, C/groups, …].
 * @param zero what pads and spreads x: the code of 0
 */
export function convolve(
  c: Context,
  x: Value,
  filter: Value,
  { kernel, strides, dilations, begin, end, spread = kernel.map(() => 1) }: Sliding,
  groups: number,
  zero: number,
): Value {
  if (zero !== 0) {
    const none = kernel.map(() => 0);
    const edges = [begin, end, spread.map((s) => s - 1)].map((e) => [0, 0, ...e]);
    const padded = c.pad(x, c.scalar(zero, x.dtype), edges[0], edges[1], edges[2]);
    return convolve(c, padded, filter, { kernel, strides, dilations, begin: none, end: none }, groups, 0);
  }
  const spatial = range(kernel.length).join(', ');
  const attributes = {
    window_strides: strides,
    padding: begin.map((b, i) => [b, end[i]]),
    lhs_dilation: spread,
    rhs_dilation: dilations,
    dimension_numbers: `#stablehlo.conv<[b, f, ${spatial}]x[o, i, ${spatial}]->[b, f, ${spatial}]>`,
    feature_group_count: groups,
    batch_group_count: 1,
    precision_config: precision(x.dtype),
  };
  const cells = kernel.map((k, i) => {
    const size = (x.dims[i + 2] - 1) * spread[i] + 1 + begin[i] + end[i];
    return Math.floor((size - (k - 1) * dilations[i] - 1) / strides[i]) + 1;
  });
  return c.op('convolution', [x, filter], [x.dims[0], filter.dims[0], ...cells], attributes, sumType(x));
}

/** Sums of products with a constant, with its scales and the bias applied. */
export interface Weighted {
  /** Name of the activation. */
  input: string;
  weight: Weight;
  name: string;
  /** Axis of the weight that becomes the output's channels, and that channel axis of the output. */
  axis: number;
  channel: number;
  bias?: string;
  /** The float or integer product. `zero` is the code that stands for 0. */
  multiply(x: Value, weight: Value, zero: number): Value;
}

/**
 * int8 · int8 → int32 where input and weight are codes; the input's zero point and the bias are one int32 vector.
 * Otherwise floats: codes of a weight are exact in bfloat16, so its scale is applied behind the product.
 */
export function weighted(c: Context, p: Weighted): Value {
  const { weight, axis, name } = p;
  const codes = c.codes(p.input);
  const stored = weightCodes(c, weight, axis, name);
  if (codes && stored?.value.dtype === 'i8') return integer(c, p, codes, stored.value, stored.scale);
  const x = c.convert(c.value(p.input), c.compute);
  const sum = stored
    ? c.multiply(p.multiply(x, c.convert(stored.value, c.compute), 0), channelVector(c, p, stored.scale))
    : p.multiply(x, weightFloats(c, weight, name, c.compute), 0);
  return withBias(c, p, sum);
}

function integer(c: Context, p: Weighted, codes: Codes, filter: Value, scales: Float32Array): Value {
  const product = scales.map((s) => s * codes.scale);
  const bias = integerBias(c.integerBias(p.bias), product);
  const sums = codes.zero === 0 ? undefined : codeSums(p.weight, p.axis);
  let sum = p.multiply(codes.value, filter, codes.zero);
  if (bias || sums) {
    const offset = Int32Array.from(
      { length: p.weight.dims[p.axis] },
      (_, i) => (bias?.[i] ?? 0) - (sums ? codes.zero * sums[i] : 0),
    );
    sum = c.add(sum, vector(c, p, 'i32', offset, 'offset'));
  }
  const scaled = c.multiply(c.convert(sum, 'f32'), channelVector(c, p, product));
  return bias ? scaled : withBias(c, p, scaled);
}

/** A bias whose unit is that of the sums: input scale times weight scale, to the last bits of a float32. */
function integerBias(bias: IntegerBias | undefined, product: Float32Array): Int32Array | undefined {
  if (!bias) return undefined;
  const at = (values: Float32Array, i: number) => values[values.length === 1 ? 0 : i];
  const agrees = bias.values.every((_, i) => Math.abs(at(bias.scale, i) / at(product, i) - 1) <= 2 ** -22);
  return agrees ? bias.values : undefined;
}

/** Sums with a bias of floats, one a channel. */
export function withBias(c: Context, p: Pick<Weighted, 'bias' | 'channel'>, sum: Value): Value {
  if (!p.bias) return sum;
  return c.add(sum, onChannel(c, p, sum, c.value(p.bias)));
}

const channelVector = (c: Context, p: Weighted, values: Float32Array): Value =>
  values.length === 1 ? c.scalar(values[0]) : vector(c, p, 'f32', values, 'scale');

/** One value a channel in a shape that broadcasts against the output. */
function vector(c: Context, p: Weighted, dtype: HloType, values: ArrayLike<number>, role: string): Value {
  const tail = c.dims(c.node.outputs[0]).length - p.channel - 1;
  const shape = [values.length, ...Array<number>(tail).fill(1)];
  return c.constant(dtype, shape, values, `${p.name}.${role}`);
}

function onChannel(c: Context, p: Pick<Weighted, 'channel'>, sum: Value, bias: Value): Value {
  if (bias.dims.length !== 1) return bias;
  return c.reshape(bias, [bias.dims[0], ...sum.dims.slice(p.channel + 1).map(() => 1)]);
}

/** A product of two computed values: int8 where both are codes, with the zero points taken out of the sums. */
export function computed(
  c: Context,
  [a, b]: [string, string],
  arrange: (v: Value, i: number) => Value,
): Value {
  const [x, y] = [c.codes(a), c.codes(b)];
  if (!x || !y) {
    const [left, right] = [a, b].map((name, i) => arrange(c.convert(c.value(name), c.compute), i));
    return dot(c, left, right);
  }
  const [left, right] = [arrange(x.value, 0), arrange(y.value, 1)];
  let sum = dot(c, left, right);
  const inner = left.dims.at(-1)!;
  const total = (v: Value, axis: number) => c.reduce('add', c.convert(v, 'i32'), [axis], true);
  const times = (v: Value, zero: number) => c.multiply(v, c.scalar(zero, 'i32'));
  if (x.zero) sum = c.subtract(sum, times(total(right, right.dims.length - 2), x.zero));
  if (y.zero) sum = c.subtract(sum, times(total(left, left.dims.length - 1), y.zero));
  if (x.zero && y.zero) sum = c.add(sum, c.scalar(inner * x.zero * y.zero, 'i32'));
  return c.multiply(c.convert(sum, 'f32'), c.scalar(Math.fround(x.scale * y.scale)));
}
