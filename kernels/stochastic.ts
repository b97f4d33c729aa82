import { type BlockShape, type ChannelParams, checkBlocks, eachRun } from './blocks.js';
import { type Codec, type Codes, codeArray, codecOf, tableOf } from './codec.js';
import { decodeFloat, encodeFloat, signBit } from './floats.js';
import type { NumberFormat } from './format.js';
import { clamp } from './rounding.js';
import { rankOf } from './tables.js';

/** Where a draw belongs: the same seed, tensor and index give the same number, whatever is computed first or beside it. */
export interface Draw {
  seed: number;
  /** Name of the tensor. */
  tensor: string;
}

/** A bijection of 32 bits in which every input bit changes every output bit (Wellons, "lowbias32", 2018). */
function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** FNV-1a. */
const hash = (text: string): number =>
  Array.from(text).reduce((h, c) => Math.imul(h ^ c.codePointAt(0)!, 0x01000193), 0x811c9dc5);

/** A counter-based generator: the uniform number in [0, 1) of index i, a multiple of 2^-24. */
export function uniformAt({ seed, tensor }: Draw): (index: number) => number {
  const key = mix(mix(seed) ^ hash(tensor));
  return (index) => {
    const page = Math.floor(index / 2 ** 32);
    return (mix(mix(index ^ key) + mix(page ^ ~key)) >>> 8) / 2 ** 24;
  };
}

/** The codes on either side of a quotient, and where between their values it lies, 0…1. One object serves all. */
interface Bracket {
  lower: number;
  upper: number;
  share: number;
}

/** Finds the bracket of a quotient x / s; beyond the ends of the grid both codes are the end. */
type Between = (quotient: number, into: Bracket) => void;

function between(row: NumberFormat, params: ChannelParams, group: number): Between {
  if (row.kind === 'integer') return betweenIntegers(row, params.zeroPoints[group]);
  if (row.layout && row.bits > 8) return betweenFloats(row);
  const fixed = row.table || row.layout ? tableOf(row) : undefined;
  const size = 2 ** row.bits;
  const values = fixed?.values ?? params.tables!.subarray(group * size, (group + 1) * size);
  return (u, into) => {
    const above = clamp(rankOf(u, values), 0, values.length - 1);
    const below = values[above] <= u ? above : Math.max(0, above - 1);
    into.lower = fixed ? fixed.codes[below] : below;
    into.upper = fixed ? fixed.codes[above] : above;
    into.share = above === below ? 0 : clamp((u - values[below]) / (values[above] - values[below]), 0, 1);
  };
}

const betweenIntegers =
  ({ qmin, qmax }: NumberFormat, zeroPoint: number): Between =>
  (u, into) => {
    const down = Math.floor(u);
    into.lower = clamp(down + zeroPoint, qmin, qmax);
    into.upper = clamp(Math.ceil(u) + zeroPoint, qmin, qmax);
    into.share = u - down;
  };

/** Towards zero, and the next code away from it. */
function betweenFloats(row: NumberFormat): Between {
  const layout = { ...row.layout!, rounding: 'zero' as const };
  return (u, into) => {
    const near = encodeFloat(Math.abs(u), layout);
    const inside = near < layout.largestCode;
    const far = inside ? near + 1 : near;
    const [a, b] = [decodeFloat(near, layout), decodeFloat(far, layout)];
    const share = inside ? (Math.abs(u) - a) / (b - a) : 0;
    const sign = u < 0 ? signBit(layout) : 0;
    into.lower = (u < 0 ? far : near) + sign;
    into.upper = (u < 0 ? near : far) + sign;
    into.share = u < 0 ? 1 - share : share;
  };
}

/**
 * Stochastic rounding on the grid of any format: x / s goes up with the probability of its place between its neighbours,
 * so that the mean of the results is x (Gupta et al., "Deep Learning with Limited Numerical Precision", 2015). NaN
 * becomes what it becomes otherwise.
 * @throws RangeError when values, shape and parameters do not belong together
 */
export function stochasticQuantize(
  values: Float32Array,
  shape: BlockShape,
  params: ChannelParams,
  row: NumberFormat,
  draw: Draw,
): Codes {
  checkBlocks(values.length, shape, params);
  const uniform = uniformAt(draw);
  const out = codeArray(row, values.length);
  eachBracket(values, shape, params, row, (i, bracket) => {
    out[i] = uniform(i) < bracket.share ? bracket.upper : bracket.lower;
  });
  return out;
}

function eachBracket(
  values: Float32Array,
  shape: BlockShape,
  params: ChannelParams,
  row: NumberFormat,
  visit: (index: number, bracket: Bracket, codec: Codec, scale: number) => void,
): void {
  const bracket: Bracket = { lower: 0, upper: 0, share: 0 };
  const known = new Map<number, [Codec, Between]>();
  eachRun(shape, (group, start, end) => {
    const [codec, find] = known.get(group) ?? [codecOf(row, params, group), between(row, params, group)];
    known.set(group, [codec, find]);
    const scale = params.scales[group];
    for (let i = start; i < end; i++) {
      const u = Math.fround(values[i] / scale);
      if (Number.isNaN(u)) Object.assign(bracket, { lower: codec.encode(u), upper: 0, share: 0 });
      else find(u, bracket);
      visit(i, bracket, codec, scale);
    }
  });
}

export type RoundingMode = 'nearest' | 'floor' | 'ceil' | 'stochastic';

/** What a way of rounding does to a tensor, in steps (x̂ − x) / s of each value's own scale. */
export interface RoundingError {
  mode: RoundingMode;
  /** Mean error. */
  bias: number;
  /** What the mean of as many errors of this spread varies by: a bias of a few of these says nothing. */
  standardError: number;
  /** Root of the mean squared error. */
  rms: number;
}

/** Bias and spread of nearest, floor, ceil and stochastic rounding of finite values. */
export function roundingErrors(
  values: Float32Array,
  shape: BlockShape,
  params: ChannelParams,
  row: NumberFormat,
  draw: Draw,
): RoundingError[] {
  checkBlocks(values.length, shape, params);
  const uniform = uniformAt(draw);
  const modes = ['nearest', 'floor', 'ceil', 'stochastic'] as const;
  const sums = modes.map(() => ({ first: 0, second: 0 }));
  eachBracket(values, shape, params, row, (i, { lower, upper, share }, codec, scale) => {
    const u = values[i] / scale;
    const codes = [codec.encode(Math.fround(u)), lower, upper, uniform(i) < share ? upper : lower];
    codes.forEach((code, mode) => {
      const error = codec.decode(code) - u;
      sums[mode].first += error;
      sums[mode].second += error * error;
    });
  });
  const n = Math.max(1, values.length);
  return sums.map(({ first, second }, i) => {
    const bias = first / n;
    const variance = Math.max(0, second / n - bias * bias);
    return { mode: modes[i], bias, standardError: Math.sqrt(variance / n), rms: Math.sqrt(second / n) };
  });
}
