import { NO_QDQ, type NumberFormat } from './format.js';
import { NORMAL_FLOAT, powersOfTwo, SCALE_POWERS } from './tables.js';

type TableRow = Pick<NumberFormat, 'id' | 'description' | 'usedIn' | 'kind' | 'bits'> &
  Partial<Pick<NumberFormat, 'dtype' | 'table' | 'rule' | 'signed'>>;

function tabled(row: TableRow): NumberFormat {
  const qmax = 2 ** row.bits - 1;
  const positive = [...(row.table ?? [1])].filter((v) => v > 0);
  return {
    signed: true,
    ...row,
    ...{ qmin: 0, qmax, symmetricMin: 0, symmetricMax: qmax },
    largest: Math.max(...positive),
    smallest: Math.min(...positive),
    scaled: row.table !== undefined,
    array: 'uint8',
    dtype: row.dtype ?? (row.bits <= 2 ? 'uint2' : row.bits <= 4 ? 'uint4' : 'uint8'),
    ...NO_QDQ,
    executable: false,
  };
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** Logarithmic grids and tables; the codec is kernels/tables.ts. */
export const TABLES: readonly NumberFormat[] = [
  tabled({
    id: 'e8m0',
    description: 'powers of two from 2^-127 to 2^127: the scales of MX formats',
    usedIn: 'scales on NVIDIA Blackwell and AMD MI350',
    kind: 'log',
    bits: 8,
    signed: false,
    dtype: 'float8e8m0',
    table: SCALE_POWERS,
    rule: 'up',
  }),
  ...range(3, 8).map((bits) =>
    tabled({
      id: `log${bits}`,
      description: `0 and ± powers of two over ${2 ** (bits - 1) - 1} octaves, the nearer exponent`,
      usedIn: 'multipliers that only shift',
      kind: 'log',
      bits,
      table: powersOfTwo(bits),
      rule: 'log',
    }),
  ),
  ...range(3, 8).map((bits) =>
    tabled({
      id: `pot${bits}`,
      description: `0 and ± powers of two over ${2 ** (bits - 1) - 1} octaves, the nearer value`,
      usedIn: 'multipliers that only shift',
      kind: 'log',
      bits,
      table: powersOfTwo(bits),
      rule: 'even',
    }),
  ),
  ...range(1, 8).map((bits) =>
    tabled({
      id: `lut${bits}`,
      description: `a look-up table of ${2 ** bits} values that fit the data best (k-means)`,
      usedIn: 'Apple neural engine (palettization)',
      kind: 'table',
      bits,
    }),
  ),
  tabled({
    id: 'nf4',
    description: '16 quantiles of a normal distribution',
    usedIn: 'language models (QLoRA, bitsandbytes)',
    kind: 'table',
    bits: 4,
    table: NORMAL_FLOAT,
    rule: 'lower',
  }),
];
