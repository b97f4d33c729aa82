import { FLOATS } from './float-formats.js';
import { type FormatDtype, type NumberFormat, type Opsets, opsets } from './format.js';
import { TABLES } from './table-formats.js';

export type { FormatDtype, NumberFormat } from './format.js';

/** Bits of the ONNX integer type that holds `bits`, and since when Q/DQ takes it. */
const INTEGER_STORAGE: readonly (Opsets & { bits: 2 | 4 | 8 | 16 | 32 })[] = [
  { bits: 2, ...opsets(25) },
  { bits: 4, ...opsets(21) },
  { bits: 8, ...opsets(10, 13, 21) },
  { bits: 16, ...opsets(21) },
  { bits: 32, ...opsets(10, 13, 21) },
];

function integer(bits: number, signed: boolean, description: string, usedIn: string): NumberFormat {
  const { bits: stored, ...since } = INTEGER_STORAGE.find((row) => row.bits >= bits)!;
  const sign = signed ? '' : 'u';
  const qmin = signed ? -(2 ** (bits - 1)) : 0;
  const qmax = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  return {
    id: `${sign}int${bits}`,
    description,
    usedIn,
    kind: 'integer',
    bits,
    signed,
    qmin,
    qmax,
    symmetricMin: signed ? -qmax : qmin,
    symmetricMax: qmax,
    largest: qmax,
    smallest: 1,
    scaled: true,
    array: `${sign}int${Math.max(8, stored)}` as NumberFormat['array'],
    dtype: `${sign}int${stored}` as FormatDtype,
    ...since,
    executable: true,
  };
}

const INTEGERS: NumberFormat[] = [
  integer(2, true, '−2…1; symmetric grids are ternary', 'extreme compression of weights'),
  integer(3, true, '−4…3, stored as int4', 'weights of language models'),
  integer(4, true, '−8…7; symmetric grids use −7…7', 'weights of language models; phones and edge chips'),
  integer(
    7,
    true,
    '−64…63, stored as int8: pairs of products with uint8 stay within 16 bits',
    'x86 CPUs without VNNI',
  ),
  integer(8, true, 'two’s complement, −128…127; symmetric grids use −127…127', 'every integer chip'),
  integer(16, true, '−32768…32767', 'activations that 8 bits hurt'),
  integer(32, true, 'biases and accumulators', 'every integer chip'),
  integer(2, false, '0…3', 'extreme compression of weights'),
  integer(3, false, '0…7, stored as uint4', 'weights of language models'),
  integer(4, false, '0…15', 'weights with a zero point a block'),
  integer(
    8,
    false,
    '0…255; what x86 VNNI multiplies fastest as activation',
    'activations on CPUs and edge chips',
  ),
  integer(16, false, '0…65535', 'activations that 8 bits hurt'),
];

/**
 * The number formats, one row each: the registry that schemes, targets, `quantize schemes` and the table tests read.
 * A new format is one more row in the table of its kind; only an exotic encoding needs a kernel beside it. Formats that
 * are a number format with scales of their own kind (MX, NVFP4) are rows of kernels/block-formats.ts.
 */
export const FORMATS: readonly NumberFormat[] = [...INTEGERS, ...FLOATS, ...TABLES];
const BY_ID = new Map(FORMATS.map((row) => [row.id, row]));
if (BY_ID.size !== FORMATS.length) throw new Error('two number formats share an id');

export type FormatId = string;

export const findFormat = (id: FormatId): NumberFormat | undefined => BY_ID.get(id);

/** The row of a format that is known to exist. Throws RangeError otherwise (a bug, not a user error). */
export function format(id: FormatId): NumberFormat {
  const row = findFormat(id);
  if (!row) throw new RangeError(`no number format "${id}"`);
  return row;
}
