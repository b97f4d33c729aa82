/**
 * Any format of at most 8 bits as its values in ascending order and the thresholds between them: a value takes the
 * rank of the number of thresholds that lie strictly below it. Every rounding rule is a choice of thresholds.
 */
export interface CodeTable {
  /** Ascending float32 values. */
  values: Float32Array;
  /** thresholds[i] parts values i and i + 1. */
  thresholds: Float32Array;
  /** Code of each rank. */
  codes: Uint8Array;
  /** Code of NaN. */
  nan: number;
}

/**
 * `even`: the nearer value, ties to the even code. `lower`: the nearer value, ties to the smaller one.
 * `log`: the nearer exponent. `up`: the next value not below.
 */
export type ThresholdRule = 'even' | 'lower' | 'log' | 'up';

const float = new Float32Array(1);
const word = new Int32Array(float.buffer);

/** The float32 just below a float32. */
export function below(x: number): number {
  float[0] = x;
  word[0] = x === 0 ? 0x80000001 | 0 : word[0] + (x > 0 ? -1 : 1);
  return float[0];
}

/** The largest float32 not above a float64. */
function floorFloat(x: number): number {
  const nearest = Math.fround(x);
  return nearest > x ? below(nearest) : nearest;
}

/** The nearer power of two changes at the geometric mean; beside 0 there is none, only 0 itself rounds to 0. */
function logThreshold(a: number, b: number): number {
  if (a !== 0 && b !== 0) return floorFloat(Math.sign(a) * Math.sqrt(a * b));
  return a === 0 ? 0 : below(0);
}

function threshold(a: number, b: number, lowerCode: number, rule: ThresholdRule): number {
  if (rule === 'up') return a;
  if (rule === 'log') return logThreshold(a, b);
  const middle = (a + b) / 2;
  const tieGoesUp = rule === 'even' && lowerCode % 2 === 1 && Math.fround(middle) === middle;
  return tieGoesUp ? below(middle) : floorFloat(middle);
}

/** Thresholds between the neighbours of a look-up table, ascending; a tie takes the lower one. */
export const tableThresholds = (table: Float32Array): Float32Array =>
  table.slice(1).map((value, i) => floorFloat((table[i] + value) / 2));

/** The table of the finite values among those given by code; of equal ones (±0) the first code is taken. */
export function codeTable(byCode: ArrayLike<number>, rule: ThresholdRule, nan = 0): CodeTable {
  const taken = new Map<number, number>();
  for (let code = 0; code < byCode.length; code++) {
    const value = byCode[code] + 0;
    if (Number.isFinite(value) && !taken.has(value)) taken.set(value, code);
  }
  const entries = [...taken].sort(([a], [b]) => a - b);
  return {
    values: Float32Array.from(entries, ([value]) => value),
    codes: Uint8Array.from(entries, ([, code]) => code),
    thresholds: Float32Array.from(entries.slice(1), ([value], i) =>
      threshold(entries[i][0], value, entries[i][1], rule),
    ),
    nan,
  };
}

/** How many thresholds lie strictly below x: its rank. */
export function rankOf(x: number, thresholds: Float32Array): number {
  let low = 0;
  let high = thresholds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (thresholds[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The code of a float32 `x`. */
export const encodeByTable = (x: number, table: CodeTable): number =>
  Number.isNaN(x) ? table.nan : table.codes[rankOf(x, table.thresholds)];

/** Values by code of a sign and a power of two: 0, then 2^(2 − 2^(bits − 1)) … 2^0, then the negative ones. */
export function powersOfTwo(bits: number): Float32Array {
  const half = 2 ** (bits - 1);
  return Float32Array.from({ length: 2 * half }, (_, code) => {
    const rank = code % half;
    const magnitude = rank === 0 ? 0 : 2 ** (rank + 1 - half);
    return code < half ? magnitude : -magnitude;
  });
}

/** E8M0 by code: 2^(code − 127), 255 is NaN. */
export const SCALE_POWERS: Float32Array = Float32Array.from({ length: 256 }, (_, code) =>
  code === 255 ? Number.NaN : 2 ** (code - 127),
);

/** Quantiles of a normal distribution, absmax 1. Dettmers et al., QLoRA, arXiv 2305.14314, appendix E. */
export const NORMAL_FLOAT: Float32Array = Float32Array.of(
  -1,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1,
);
