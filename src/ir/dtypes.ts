/** ONNX TensorProto.DataType as a table: number, name, bits of one element. Sub-byte types pack low bits first. */
export interface DtypeRow {
  onnx: number;
  name: string;
  bits: number;
}

const ROWS = [
  [1, 'float32', 32],
  [2, 'uint8', 8],
  [3, 'int8', 8],
  [4, 'uint16', 16],
  [5, 'int16', 16],
  [6, 'int32', 32],
  [7, 'int64', 64],
  [8, 'string', 0],
  [9, 'bool', 8],
  [10, 'float16', 16],
  [11, 'float64', 64],
  [12, 'uint32', 32],
  [13, 'uint64', 64],
  [14, 'complex64', 64],
  [15, 'complex128', 128],
  [16, 'bfloat16', 16],
  [17, 'float8e4m3fn', 8],
  [18, 'float8e4m3fnuz', 8],
  [19, 'float8e5m2', 8],
  [20, 'float8e5m2fnuz', 8],
  [21, 'uint4', 4],
  [22, 'int4', 4],
  [23, 'float4e2m1', 4],
  [24, 'float8e8m0', 8],
  [25, 'uint2', 2],
  [26, 'int2', 2],
] as const;

export type Dtype = (typeof ROWS)[number][1];

export const DTYPES: readonly DtypeRow[] = ROWS.map(([onnx, name, bits]) => ({ onnx, name, bits }));

const byNumber = new Map<number, DtypeRow>(DTYPES.map((row) => [row.onnx, row]));
const byName = new Map<string, DtypeRow>(DTYPES.map((row) => [row.name, row]));

/** The row of an ONNX data-type number, or undefined for a number this build does not know. */
export const dtypeByNumber = (onnx: number): DtypeRow | undefined => byNumber.get(onnx);
export const dtypeName = (onnx: number | undefined): Dtype | undefined =>
  onnx === undefined ? undefined : (byNumber.get(onnx)?.name as Dtype | undefined);
export const dtypeNumber = (name: Dtype): number => byName.get(name)!.onnx;
export const dtypeBits = (name: Dtype): number => byName.get(name)!.bits;
/** Bytes of `count` packed elements: ceil(count * bits / 8). */
export const packedBytes = (name: Dtype, count: number): number => Math.ceil((count * dtypeBits(name)) / 8);
