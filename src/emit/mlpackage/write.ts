import { createHash } from 'node:crypto';
import { elementCount, viewAs } from '../../ir/tensor.js';
import type { BlobWriter } from './blob.js';
import {
  type Argument,
  type Ios,
  isLiteral,
  isVars,
  type Literal,
  MIL_TYPES,
  type Operation,
  type Program,
  type ValueType,
} from './program.js';
import type {
  BindingMessage,
  OperationMessage,
  ProgramMessage,
  TensorValueMessage,
  ValueMessage,
  ValueTypeMessage,
} from './schema.js';

/** Each iOS release has its specification version and operation set (coremltools, AvailableTarget). */
export const RELEASES: Record<Ios, { specification: number; opset: string }> = {
  17: { specification: 8, opset: 'CoreML7' },
  18: { specification: 9, opset: 'CoreML8' },
};

/** Tensors from this many elements on live in weight.bin, as coremltools places them. */
const BLOB_ELEMENTS = 10;
/** The path by which a program finds its weights, whatever the package is called. */
export const WEIGHT_FILE = '@model_path/weights/weight.bin';

/** The program as messages, and what goes into weight.bin. */
export function programMessage(program: Program, blobs: BlobWriter): ProgramMessage {
  const { opset } = RELEASES[program.ios];
  const block = {
    outputs: program.outputs.map((v) => v.name),
    operations: program.operations.map((o) => operationMessage(o, blobs)),
  };
  const main = {
    inputs: program.inputs.map((v) => ({ name: v.name, type: typeMessage(v) })),
    opset,
    blocks: [{ key: opset, value: block }],
  };
  return { version: 1, functions: [{ key: 'main', value: main }] };
}

function operationMessage(operation: Operation, blobs: BlobWriter): OperationMessage {
  const name = operation.outputs[0].name;
  return {
    type: operation.type,
    inputs: operation.inputs.map(([key, argument]) => ({
      key,
      value: { arguments: bindings(argument, blobs) },
    })),
    outputs: operation.outputs.map((v) => ({ name: v.name, type: typeMessage(v) })),
    attributes: [
      { key: 'name', value: textMessage(name) },
      ...operation.attributes.map(([key, value]) => ({ key, value: valueMessage(value, blobs) })),
    ],
  };
}

function bindings(argument: Argument, blobs: BlobWriter): BindingMessage[] {
  if (isVars(argument)) return argument.map(({ name }) => ({ name }));
  return [isLiteral(argument) ? { value: valueMessage(argument, blobs) } : { name: argument.name }];
}

const typeMessage = ({ dtype, dims }: ValueType): ValueTypeMessage => ({
  tensorType: {
    dataType: MIL_TYPES[dtype].code,
    rank: dims.length,
    dimensions: dims.map((size) => ({ constant: { size } })),
  },
});

const textMessage = (value: string): ValueMessage => ({
  type: typeMessage({ dtype: 'string', dims: [] }),
  immediateValue: { tensor: { strings: { values: [value] } } },
});

function valueMessage(literal: Literal, blobs: BlobWriter): ValueMessage {
  const { dtype, dims, bytes } = literal;
  if (literal.text !== undefined) return textMessage(literal.text);
  const type = typeMessage(literal);
  const { bits, blob } = MIL_TYPES[dtype];
  const count = elementCount(dims);
  // Shapes and indices stay in the program, where a compiler looks for them.
  if (blob === undefined || count < BLOB_ELEMENTS || dtype.endsWith('int32'))
    return { type, immediateValue: { tensor: immediate(literal) } };
  const paddingBits = bytes.length * 8 - count * bits;
  const key = `${dtype} ${createHash('sha256').update(bytes).digest('base64')}`;
  const offset = blobs.add({ type: blob, bytes, paddingBits }, key);
  return { type, blobFileValue: { fileName: WEIGHT_FILE, offset } };
}

function immediate({ dtype, bytes }: Literal): TensorValueMessage {
  switch (dtype) {
    case 'fp32':
      return { floats: { values: bytes } };
    case 'bool':
      return { bools: { values: Int32Array.from(bytes) } };
    case 'int32':
      return { ints: { values: viewAs(Int32Array, bytes) } };
    case 'int16':
      return { ints: { values: Int32Array.from(viewAs(Int16Array, bytes)) } };
    case 'uint16':
      return { ints: { values: Int32Array.from(viewAs(Uint16Array, bytes)) } };
    default:
      return { bytes: { values: bytes } };
  }
}
