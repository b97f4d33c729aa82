import { type BlockShape, type ChannelParams, checkBlocks, eachRun } from './blocks.js';
import { type Codec, type Codes, codeArray, codecOf, tableOf } from './codec.js';
import { encodeFloat, signBit } from './floats.js';
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
  const first = mix(~key);
  return (index) => {
    const page = index < 2 ** 32 ? first : mix(Math.floor(index / 2 ** 32) ^ ~key);
    return (mix(mix(index ^ key) + page) >>> 8) / 2 ** 24;
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

const FLOAT32_BIAS = 127;
const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);
/** 2^-k at index 160 + k: multiplying by it counts in steps of 2^k. */
const PER_STEP = Float64Array.from({ length: 320 }, (_, i) => 2 ** (160 - i));

/** Towards zero, and the next code away from it. The place between is what is left of a whole number of steps. */
function betweenFloats(row: NumberFormat): Between {
  const layout = { ...row.layout!, rounding: 'zero' as const };
  const { mantissaBits, bias, largestCode } = layout;
  const minus = signBit(layout);
  return (u, into) => {
    const magnitude = Math.abs(u);
    const near = encodeFloat(magnitude, layout);
    const inside = near < largestCode;
    const far = inside ? near + 1 : near;
    float[0] = magnitude;
    const octave = Math.max((word[0] >>> 23) - FLOAT32_BIAS, 1 - bias);
    const steps = magnitude * PER_STEP[160 + octave - mantissaBits];
    const share = inside ? steps - Math.floor(steps) : 0;
    into.lower = u < 0 ? far + minus : near;
    into.upper = u < 0 ? near + minus : far;
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
  const bracket: Bracket = { lower: 0, upper: 0, share: 0 };
  eachGroup(shape, params, row, (codec, find, scale, start, end) => {
    for (let i = start; i < end; i++) {
      bracketOf(Math.fround(values[i] / scale), codec, find, bracket);
      out[i] = uniform(i) < bracket.share ? bracket.upper : bracket.lower;
    }
  });
  return out;
}

function bracketOf(quotient: number, codec: Codec, find: Between, into: Bracket): void {
  if (!Number.isNaN(quotient)) {
    find(quotient, into);
    return;
  }
  into.lower = codec.encode(quotient);
  into.upper = into.lower;
  into.share = 0;
}

/** Calls `visit` for every run of elements that share a group. */
function eachGroup(
  shape: BlockShape,
  params: ChannelParams,
  row: NumberFormat,
  visit: (codec: Codec, find: Between, scale: number, start: number, end: number) => void,
): void {
  const known = new Map<number, [Codec, Between]>();
  eachRun(shape, (group, start, end) => {
    const [codec, find] = known.get(group) ?? [codecOf(row, params, group), between(row, params, group)];
    known.set(group, [codec, find]);
    visit(codec, find, params.scales[group], start, end);
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
  const bracket: Bracket = { lower: 0, upper: 0, share: 0 };
  eachGroup(shape, params, row, (codec, find, scale, start, end) => {
    for (let i = start; i < end; i++) {
      const u = values[i] / scale;
      bracketOf(Math.fround(u), codec, find, bracket);
      const { lower, upper, share } = bracket;
      const codes = [codec.encode(Math.fround(u)), lower, upper, uniform(i) < share ? upper : lower];
      codes.forEach((code, mode) => {
        const error = codec.decode(code) - u;
        sums[mode].first += error;
        sums[mode].second += error * error;
      });
    }
  });
  const n = Math.max(1, values.length);
  return sums.map(({ first, second }, i) => {
    const bias = first / n;
    const variance = Math.max(0, second / n - bias * bias);
    return { mode: modes[i], bias, standardError: Math.sqrt(variance / n), rms: Math.sqrt(second / n) };
  });
}
