import type { Dtype } from '../../ir/dtypes.js';
import type { SafetensorsType } from '../safetensors.js';

/** A StableHLO module as this tool handles it: one function of static shapes, values by reference. */
export type HloType =
  | 'i1'
  | 'i8'
  | 'i16'
  | 'i32'
  | 'i64'
  | 'ui8'
  | 'f16'
  | 'bf16'
  | 'f32'
  | 'f8E4M3FN'
  | 'f8E5M2';

interface TypeRow {
  dtype: Dtype;
  /** tensorflow/core/framework/types.proto. */
  tensorflow: number;
  safetensors: SafetensorsType;
  bytes: number;
}

export const HLO_TYPES: Record<HloType, TypeRow> = {
  i1: { dtype: 'bool', tensorflow: 10, safetensors: 'BOOL', bytes: 1 },
  i8: { dtype: 'int8', tensorflow: 6, safetensors: 'I8', bytes: 1 },
  i16: { dtype: 'int16', tensorflow: 5, safetensors: 'I16', bytes: 2 },
  i32: { dtype: 'int32', tensorflow: 3, safetensors: 'I32', bytes: 4 },
  i64: { dtype: 'int64', tensorflow: 9, safetensors: 'I64', bytes: 8 },
  ui8: { dtype: 'uint8', tensorflow: 4, safetensors: 'U8', bytes: 1 },
  f16: { dtype: 'float16', tensorflow: 19, safetensors: 'F16', bytes: 2 },
  bf16: { dtype: 'bfloat16', tensorflow: 14, safetensors: 'BF16', bytes: 2 },
  f32: { dtype: 'float32', tensorflow: 1, safetensors: 'F32', bytes: 4 },
  f8E4M3FN: { dtype: 'float8e4m3fn', tensorflow: 25, safetensors: 'F8_E4M3', bytes: 1 },
  f8E5M2: { dtype: 'float8e5m2', tensorflow: 24, safetensors: 'F8_E5M2', bytes: 1 },
};

const NAMES = Object.keys(HLO_TYPES) as HloType[];
export const isHloType = (name: string): name is HloType => name in HLO_TYPES;
export const hloTypeOf = (dtype: Dtype): HloType | undefined =>
  NAMES.find((n) => HLO_TYPES[n].dtype === dtype);

/** Identity is the object: the text gives values their names. A size of −k is open: k times the batch. */
export interface Value {
  dtype: HloType;
  dims: number[];
}

/** Dimension numbers of a dot, gather or scatter; lists of axes, and the axis along which index vectors lie. */
export interface Struct {
  kind: 'dot' | 'gather' | 'scatter';
  fields: Record<string, number | number[]>;
}

/** i64, array<i64>, a matrix of paddings, dimension numbers, or text as it stands. */
export type Attribute = number | boolean | number[] | number[][] | Struct | string;
export type Attributes = Record<string, Attribute>;

/** What a region computes of its two scalars: all regions here are one operation, a comparison (GT, LT) or the second of the two. */
export type Combine = 'add' | 'multiply' | 'maximum' | 'minimum' | 'second' | 'GT' | 'LT';

export interface Operation {
  /** With its dialect: `stablehlo.add`. */
  type: string;
  operands: Value[];
  attributes: Attributes;
  combine?: Combine;
  results: Value[];
  /** The ONNX node that it comes from. */
  origin: string;
}

/** A constant that is an argument of the function, so that it stays binary. */
export interface WeightArgument {
  name: string;
  value: Value;
  bytes: Uint8Array;
}

export interface Program {
  inputs: Value[];
  weights: WeightArgument[];
  operations: Operation[];
  outputs: Value[];
}

export const isStruct = (attribute: Attribute | undefined): attribute is Struct =>
  typeof attribute === 'object' && !Array.isArray(attribute);
