/**
 * A Core ML ML Program as this tool handles it: one function, one block, values by reference. Names are given when
 * it is written (names.ts), so an operation can be made before it is known what its result is called.
 */
export type MilType =
  | 'bool'
  | 'string'
  | 'fp16'
  | 'fp32'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int4'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint6'
  | 'uint4'
  | 'uint3'
  | 'uint2'
  | 'uint1';

interface TypeRow {
  /** MIL.proto DataType. */
  code: number;
  bits: number;
  /** MIL blob storage's own numbering; absent: never in weight.bin. */
  blob?: number;
}

export const MIL_TYPES: Record<MilType, TypeRow> = {
  bool: { code: 1, bits: 8 },
  string: { code: 2, bits: 0 },
  fp16: { code: 10, bits: 16, blob: 1 },
  fp32: { code: 11, bits: 32, blob: 2 },
  int8: { code: 21, bits: 8, blob: 4 },
  int16: { code: 22, bits: 16, blob: 6 },
  int32: { code: 23, bits: 32, blob: 14 },
  int4: { code: 25, bits: 4, blob: 8 },
  uint8: { code: 31, bits: 8, blob: 3 },
  uint16: { code: 32, bits: 16, blob: 7 },
  uint32: { code: 33, bits: 32, blob: 15 },
  uint4: { code: 35, bits: 4, blob: 11 },
  uint2: { code: 36, bits: 2, blob: 10 },
  uint1: { code: 37, bits: 1, blob: 9 },
  uint6: { code: 38, bits: 6, blob: 13 },
  uint3: { code: 39, bits: 3, blob: 12 },
};

export const milTypeByCode = (code: number | undefined): MilType | undefined =>
  (Object.keys(MIL_TYPES) as MilType[]).find((name) => MIL_TYPES[name].code === code);

/** Type and shape of a value; rank 0 is a scalar. */
export interface ValueType {
  dtype: MilType;
  dims: number[];
}

/** A value that an operation makes, or an input of the function. */
export interface Var extends ValueType {
  name: string;
}

/** A constant: packed little-endian elements, sub-byte ones low bits first; text for strings (rank 0 only). */
export interface Literal extends ValueType {
  bytes: Uint8Array;
  text?: string;
}

/** What an argument of an operation is bound to; several for `values` of concat and the like. */
export type Argument = Var | Literal | readonly Var[];

export interface Operation {
  type: string;
  /** Feeds the operation's own name; the node it comes from. */
  origin: string;
  inputs: [name: string, argument: Argument][];
  outputs: Var[];
  /** Constants that the operation carries itself: `val` of const, parameters of the iOS 16 constexpr operations. */
  attributes: [name: string, value: Literal][];
}

export type Ios = 17 | 18;

export interface Program {
  ios: Ios;
  inputs: Var[];
  operations: Operation[];
  outputs: Var[];
}

export const isLiteral = (argument: Argument): argument is Literal => 'bytes' in argument;
export const isVars = (argument: Argument): argument is readonly Var[] => Array.isArray(argument);

/** The values that an operation reads, in the order of its arguments. */
export const readsOf = (operation: Operation): Var[] =>
  operation.inputs.flatMap(([, a]) => (isVars(a) ? a : isLiteral(a) ? [] : [a]));

/** The argument bound to one value, or undefined. */
export function argument(operation: Operation, name: string): Var | undefined {
  const found = operation.inputs.find(([n]) => n === name)?.[1];
  return found && !isLiteral(found) && !isVars(found) ? found : undefined;
}
