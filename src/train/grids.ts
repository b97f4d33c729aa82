import { tableOf } from '../../kernels/codec.js';
import type { NumberFormat } from '../../kernels/formats.js';
import { tableThresholds } from '../../kernels/tables.js';
import { product } from './adjoints/common.js';
import type { Builder } from './builder.js';

/** What rounding makes of v = x / s: the value on the grid, and whether v lies inside of it. */
interface Steps {
  value: string;
  inside: string;
}

/** Rounds quotients to the grid of a format. */
type QuotientRounder = (b: Builder, quotient: string) => Steps;

/** What rounding makes of x: the value on the scaled grid, and where the grid is: */
export type Rounded =
  /** whether x lies inside, or */
  | { rounded: string; inside: string }
  /** between which bounds it does. */
  | { rounded: string; low: string; high: string };

/** Rounds values to the grid of a format times a scale that broadcasts to them, in standard operators. */
export type Rounder = (b: Builder, x: string, scale: string) => Rounded;

const scaled =
  (grid: QuotientRounder): Rounder =>
  (b, x, scale) => {
    const { value, inside } = grid(b, b.div(x, scale));
    return { rounded: b.mul(value, scale), inside };
  };

/** Equal to both bounds or between them. */
const held = (b: Builder, v: string, low: string, high: string): Steps => {
  const value = b.op('Min', [b.op('Max', [v, low]), high]);
  return { value, inside: b.op('Equal', [v, value]) };
};

/** Whole numbers from qmin − z to qmax − z, ties to even. `dims`: of the zero points, to meet the quotients. */
const integerGrid =
  ({ qmin, qmax }: NumberFormat, zeroPoints: ArrayLike<number>, dims: number[]): QuotientRounder =>
  (b, quotient) => {
    const zeros = Array.from(zeroPoints);
    const one = zeros.every((z) => z === zeros[0]);
    const bound = (code: number) =>
      one
        ? b.number(code - zeros[0])
        : b.reals(
            zeros.map((z) => code - z),
            dims,
          );
    return held(b, b.op('Round', [quotient]), bound(qmin), bound(qmax));
  };

/** Codes of at most so many bits take a QuantizeLinear and a DequantizeLinear, which pass over less memory. */
const BYTE = 8;

/** The same with one scale and zero point, by way of bytes. */
const byteGrid =
  ({ qmin, qmax }: NumberFormat, zeroPoint: number): Rounder =>
  (b, x, scale) => {
    const dtype = qmin < 0 ? 'int8' : 'uint8';
    const step = b.reshape(scale, []);
    const zero = b.byte(zeroPoint, dtype);
    const codes = b.op('QuantizeLinear', [x, step, zero]);
    const whole = qmax - qmin === 2 ** BYTE - 1;
    const kept = whole ? codes : b.op('Clip', [codes, b.byte(qmin, dtype), b.byte(qmax, dtype)]);
    const bound = (code: number) => b.mul(step, b.number(code - zeroPoint));
    return {
      rounded: b.op('DequantizeLinear', [kept, step, zero]),
      low: bound(qmin - 0.5),
      high: bound(qmax + 0.5),
    };
  };

/** Floats: the step is a power of two that grows with the value, 2^(max(⌊log₂|v|⌋, 1 − bias) − mantissa bits). */
const floatGrid =
  ({ layout, largest }: NumberFormat): QuotientRounder =>
  (b, quotient) => {
    const { bias, mantissaBits } = layout!;
    const log2 = b.scale(b.op('Log', [b.op('Abs', [quotient])]), 1 / Math.LN2);
    const exponent = b.op('Max', [b.op('Floor', [log2]), b.number(1 - bias)]);
    const step = b.op('Pow', [b.number(2), b.sub(exponent, b.number(mantissaBits))]);
    const rounded = b.mul(b.op('Round', [b.div(quotient, step)]), step);
    return held(b, rounded, b.number(-largest), b.number(largest));
  };

/** Tables: each threshold that is passed adds the distance to the next value. `tables`: one, or one a group of `dims`. */
const tableGrid =
  (row: NumberFormat, tables: Float32Array | undefined, dims: number[]): QuotientRounder =>
  (b, quotient) => {
    const { values, thresholds } = tables ? columns(tables, 2 ** row.bits) : fixed(row);
    const constant = (column: number[]) =>
      column.length === 1 ? b.number(column[0]) : b.reals(column, dims);
    const steps = thresholds.map((threshold, i) => {
      const step = values[i + 1].map((v, g) => v - values[i][g]);
      return b.where(b.less(constant(threshold), quotient), constant(step));
    });
    const value = [constant(values[0]), ...steps].reduce(b.add);
    return { value, inside: held(b, quotient, constant(values[0]), constant(values.at(-1)!)).inside };
  };

const fixed = (row: NumberFormat) => {
  const { values, thresholds } = tableOf(row);
  return { values: Array.from(values, (v) => [v]), thresholds: Array.from(thresholds, (t) => [t]) };
};

/** Tables of `size` values a group, as the first value of each group, the second of each, … */
function columns(tables: Float32Array, size: number) {
  const groups = Array.from({ length: tables.length / size }, (_, g) =>
    tables.subarray(g * size, (g + 1) * size),
  );
  const parting = groups.map((table) => tableThresholds(table));
  return {
    values: Array.from({ length: size }, (_, i) => groups.map((table) => table[i])),
    thresholds: Array.from({ length: size - 1 }, (_, i) => parting.map((t) => t[i])),
  };
}

/** The grid of any format. `dims`: how what belongs to groups meets the values. */
export function gridOf(
  row: NumberFormat,
  { zeroPoints, tables }: { zeroPoints: ArrayLike<number>; tables?: Float32Array },
  dims: number[],
): Rounder {
  if (row.kind === 'integer' && row.bits <= BYTE && product(dims) === 1) return byteGrid(row, zeroPoints[0]);
  if (row.kind === 'integer') return scaled(integerGrid(row, zeroPoints, dims));
  return scaled(row.layout ? floatGrid(row) : tableGrid(row, tables, dims));
}
