import { describe, expect, it } from 'vitest';
import { decodeFloat, encodeFloat } from '../../kernels/floats.js';
import { FORMATS, type NumberFormat } from '../../kernels/formats.js';
import { uniform } from '../../kernels/random.js';
import { neighbour } from '../kernels/values.js';
import { PYTHON, python, WITHOUT } from './python.js';

/** Formats with a layout: the others are integers (golden.test.ts) and tables, for which there is no second opinion. */
const FLOATS = FORMATS.filter((row) => row.layout);
const WANTED = 9_000;
/** Positive codes whose upper midpoint is tried; all of them up to 8 bits. */
const MOST_CODES = 2_000;

const bits = (values: readonly number[]): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);

/** Every value and midpoint with one unit in the last place on either side, both signs, and numbers of every size. */
function aimed({ layout, bits: width }: NumberFormat): number[] {
  const next = uniform(width);
  const last = layout!.largestCode;
  const stride = Math.max(1, Math.floor(last / MOST_CODES));
  const values: number[] = [];
  for (let code = 0; code <= last; code += stride) {
    const value = decodeFloat(code, layout!);
    // Beyond the largest code lies what the next one would be: where overflow begins.
    const above = code < last ? decodeFloat(code + 1, layout!) : 2 * value - decodeFloat(code - 1, layout!);
    for (const x of [value, (value + above) / 2]) {
      for (const step of [-1, 0, 1]) values.push(neighbour(Math.fround(x), step));
    }
  }
  while (values.length < WANTED) {
    values.push(Math.fround((1 + next()) * 2 ** (next() * 2 * layout!.bias - layout!.bias)));
  }
  const finite = values.filter(Number.isFinite);
  return [...finite, ...finite.map((x) => -x), Infinity, -Infinity, Number.NaN, 2 ** -149, 3.4e38];
}

interface Answer {
  codes: number[];
  values: number[];
}

describe.skipIf(!PYTHON)(
  `formats are those of ml_dtypes and NumPy${PYTHON ? '' : ` (${WITHOUT})`}`,
  async () => {
    const cases = FLOATS.map((row) => ({ row, x: aimed(row) }));
    const asked = cases.map(({ row, x }) => ({ id: row.id, x: [...bits(x)] }));
    const answers = PYTHON ? await python<Answer[]>('encode_formats.py', [], JSON.stringify(asked)) : [];

    it.each(cases.map((c, i) => ({ ...c, id: c.row.id, answer: answers[i] })))(
      '$id',
      ({ row, x, answer }) => {
        // NaN has many codes and, where the format lacks it, no agreed one; its value is compared as NaN or left out.
        const layout = { ...row.layout!, saturates: false };
        const wanted = new Float32Array(Uint32Array.from(answer.values).buffer);
        const wrong = x.filter((v, i) => {
          if (Number.isNaN(v)) return false;
          const code = encodeFloat(v, layout);
          const value = decodeFloat(code, layout);
          const sameCode = answer.codes.length === 0 || Number.isNaN(value) || code === answer.codes[i];
          return !sameCode || !Object.is(value, wanted[i]);
        });
        expect(wrong).toEqual([]);
        expect(x.length).toBeGreaterThanOrEqual(WANTED);
      },
    );
  },
);
