import type { FloatLayout } from './floats.js';
import type { ThresholdRule } from './tables.js';

/** A row of kernels/formats.ts. */
export interface NumberFormat {
  id: string;
  description: string;
  /** Where it is met. */
  usedIn: string;
  kind: 'integer' | 'float' | 'log' | 'table';
  /** Bits of one value, scales not counted. */
  bits: number;
  signed: boolean;
  /** Full range of codes: whole numbers of integers, bit patterns of all others. */
  qmin: number;
  qmax: number;
  /** Range of codes when the grid is centred on zero (narrow for signed integers, so that −x and x both exist). */
  symmetricMin: number;
  symmetricMax: number;
  /** Largest and smallest positive value at scale 1. */
  largest: number;
  smallest: number;
  /** Values are divided by a scale. Not so those that are cast (16 bits of float and more) and look-up tables. */
  scaled: boolean;
  /** Array of unpacked codes. */
  array: 'int8' | 'uint8' | 'int16' | 'uint16' | 'int32';
  /** Narrowest ONNX element type that holds the codes. */
  dtype: FormatDtype;
  /** Lowest ONNX opset whose Q/DQ takes it, per tensor, per axis and in blocks; Infinity where none does. */
  opset: number;
  opsetPerAxis: number;
  opsetBlocked: number;
  /** onnxruntime's CPU provider runs Q/DQ of it (1.30, measured). */
  executable: boolean;
  layout?: FloatLayout;
  /** Values by code, of `log` formats and of tables that do not depend on the data. */
  table?: Float32Array;
  rule?: ThresholdRule;
}

export type FormatDtype =
  | 'int2'
  | 'uint2'
  | 'int4'
  | 'uint4'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'float8e8m0'
  | 'float4e2m1'
  | 'float16'
  | 'bfloat16'
  | 'float32';

export type Opsets = Pick<NumberFormat, 'opset' | 'opsetPerAxis' | 'opsetBlocked'>;

/** Of formats that no Q/DQ takes. */
export const NO_QDQ: Opsets = { opset: Infinity, opsetPerAxis: Infinity, opsetBlocked: Infinity };
export const opsets = (opset: number, opsetPerAxis = opset, opsetBlocked = opsetPerAxis): Opsets => ({
  opset,
  opsetPerAxis,
  opsetBlocked,
});
