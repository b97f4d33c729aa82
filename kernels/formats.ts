/**
 * The number formats, one row each: the registry that schemes, targets, `quantize schemes` and the table tests read.
 * A new format is one more row here; only an exotic encoding needs a kernel beside it.
 */
export interface NumberFormat {
  id: string;
  description: string;
  kind: 'integer';
  /** Bits of one stored value. */
  bits: number;
  signed: boolean;
  /** Full range of codes. */
  qmin: number;
  qmax: number;
  /** Range of codes when the grid is centred on zero (narrow for signed integers, so that −x and x both exist). */
  symmetricMin: number;
  symmetricMax: number;
  /** ONNX element type of a stored code. */
  dtype: 'int8' | 'uint8' | 'int32';
  /** Lowest ONNX opset whose Q/DQ takes it, per tensor and per axis. */
  opset: number;
  opsetPerAxis: number;
}

const integer = (bits: 8 | 32, signed: boolean, description: string): NumberFormat => {
  const qmin = signed ? -(2 ** (bits - 1)) : 0;
  const qmax = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const id = `${signed ? 'int' : 'uint'}${bits}` as 'int8' | 'uint8' | 'int32';
  return {
    id,
    description,
    kind: 'integer',
    bits,
    signed,
    qmin,
    qmax,
    symmetricMin: signed ? -qmax : qmin,
    symmetricMax: qmax,
    dtype: id,
    opset: 10,
    opsetPerAxis: 13,
  };
};

export const FORMATS: readonly NumberFormat[] = [
  integer(8, true, 'two’s complement, −128…127; symmetric grids use −127…127'),
  integer(8, false, '0…255; what x86 VNNI multiplies fastest as activation'),
  integer(32, true, 'biases and accumulators'),
];

export type FormatId = string;

export const findFormat = (id: FormatId): NumberFormat | undefined =>
  FORMATS.find((format) => format.id === id);

/** The row of a format that is known to exist. Throws RangeError otherwise (a bug, not a user error). */
export function format(id: FormatId): NumberFormat {
  const row = findFormat(id);
  if (!row) throw new RangeError(`no number format "${id}"`);
  return row;
}
