import { tableOf } from '../../kernels/codec.js';
import type { NumberFormat } from '../../kernels/formats.js';
import { tableThresholds } from '../../kernels/tables.js';
import type { Builder } from './builder.js';

/** What rounding makes of v = x / s: the value on the grid, and whether v lies inside of it. */
interface Rounded {
  value: string;
  inside: string;
}

/** Rounds quotients to the grid of a format, in standard operators. */
export type Rounder = (b: Builder, quotient: string) => Rounded;

/** Equal to both bounds or between them. */
const held = (b: Builder, v: string, low: string, high: string): Rounded => {
  const value = b.op('Min', [b.op('Max', [v, low]), high]);
  return { value, inside: b.op('Equal', [v, value]) };
};

/** Whole numbers from qmin − z to qmax − z, ties to even. `dims`: of the zero points, to meet the quotients. */
export const integerGrid =
  ({ qmin, qmax }: NumberFormat, zeroPoints: ArrayLike<number>, dims: number[]): Rounder =>
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

/** Floats: the step is a power of two that grows with the value, 2^(max(⌊log₂|v|⌋, 1 − bias) − mantissa bits). */
export const floatGrid =
  ({ layout, largest }: NumberFormat): Rounder =>
  (b, quotient) => {
    const { bias, mantissaBits } = layout!;
    const log2 = b.scale(b.op('Log', [b.op('Abs', [quotient])]), 1 / Math.LN2);
    const exponent = b.op('Max', [b.op('Floor', [log2]), b.number(1 - bias)]);
    const step = b.op('Pow', [b.number(2), b.sub(exponent, b.number(mantissaBits))]);
    const rounded = b.mul(b.op('Round', [b.div(quotient, step)]), step);
    return held(b, rounded, b.number(-largest), b.number(largest));
  };

/** Tables: each threshold that is passed adds the distance to the next value. `tables`: one, or one a group of `dims`. */
export const tableGrid =
  (row: NumberFormat, tables: Float32Array | undefined, dims: number[]): Rounder =>
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

/** The grid of any format. `dims`: how what belongs to groups meets the quotients. */
export function gridOf(
  row: NumberFormat,
  { zeroPoints, tables }: { zeroPoints: ArrayLike<number>; tables?: Float32Array },
  dims: number[],
): Rounder {
  if (row.kind === 'integer') return integerGrid(row, zeroPoints, dims);
  return row.layout ? floatGrid(row) : tableGrid(row, tables, dims);
}
