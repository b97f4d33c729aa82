import { invalidError, unsupportedError } from '../../errors.js';
import { bytesOf } from '../../ir/tensor.js';
import { decode } from '../../protobuf/decode.js';
import { readBlob } from './blob.js';
import {
  type Argument,
  type Ios,
  type Literal,
  type MilType,
  milTypeByCode,
  type Operation,
  type Program,
  type ValueType,
  type Var,
} from './program.js';
import {
  type BlockMessage,
  MODEL,
  type ModelMessage,
  type OperationMessage,
  type TensorValueMessage,
  type ValueMessage,
  type ValueTypeMessage,
} from './schema.js';
import { RELEASES } from './write.js';

/**
 * Reads an ML Program back from the bytes of its two files, trusting nothing but them.
 * @throws QuantizeError PACKAGE_DAMAGED (invalid), PACKAGE_FOREIGN (unsupported), MODEL_MALFORMED and its kin
 */
export function readProgram(
  model: Uint8Array,
  weights?: Uint8Array,
): { program: Program; message: ModelMessage } {
  const message = decode<ModelMessage>(MODEL, model);
  const main = message.mlProgram?.functions.find((f) => f.key === 'main')?.value;
  const ios = ([17, 18] as Ios[]).find((i) => RELEASES[i].opset === main?.opset);
  const block = main?.blocks.find((b) => b.key === main.opset)?.value;
  if (!main || !block || !ios)
    throw unsupportedError('PACKAGE_FOREIGN', 'the model is no ML Program for iOS 17 or 18');
  const reader = new Reader(weights);
  for (const { name, type } of main.inputs) reader.define(name, reader.type(type));
  const inputs = main.inputs.map(({ name }) => reader.value(name));
  return { program: { ios, inputs, ...reader.block(block) }, message };
}

class Reader {
  private readonly values = new Map<string, Var>();
  constructor(private readonly weights: Uint8Array | undefined) {}

  block({ operations, outputs }: BlockMessage): Pick<Program, 'operations' | 'outputs'> {
    return {
      operations: operations.map((o) => this.operation(o)),
      outputs: outputs.map((name) => this.value(name)),
    };
  }

  private operation(message: OperationMessage): Operation {
    const inputs = message.inputs.map(({ key, value }): [string, Argument] => [
      key ?? '',
      this.argument(value?.arguments ?? []),
    ]);
    const outputs = message.outputs.map(({ name, type }) => this.define(name, this.type(type)));
    const attributes = message.attributes
      .filter(({ key }) => key !== 'name')
      .map(({ key, value }): [string, Literal] => [key ?? '', this.literal(value)]);
    return { type: message.type, origin: '', inputs, outputs, attributes };
  }

  private argument(bindings: { name?: string; value?: ValueMessage }[]): Argument {
    if (bindings.length !== 1) return bindings.map(({ name }) => this.value(name ?? ''));
    const [{ name, value }] = bindings;
    return value ? this.literal(value) : this.value(name ?? '');
  }

  define(name: string, type: ValueType): Var {
    if (this.values.has(name)) throw damaged(`the value "${name}" has two sources`);
    const value = { ...type, name };
    this.values.set(name, value);
    return value;
  }

  value(name: string): Var {
    const value = this.values.get(name);
    if (value) return value;
    throw damaged(`"${name}" is read before anything makes it`);
  }

  type(message: ValueTypeMessage | undefined): ValueType {
    const tensor = message?.tensorType;
    const dtype = milTypeByCode(tensor?.dataType);
    if (!tensor || !dtype) throw damaged('a value has no tensor type');
    return { dtype, dims: tensor.dimensions.map((d) => d.constant?.size ?? 0) };
  }

  private literal(message: ValueMessage | undefined): Literal {
    const type = this.type(message?.type);
    const blob = message?.blobFileValue;
    if (blob) {
      if (!this.weights) throw damaged('a value lies in weight.bin, which is missing');
      return { ...type, bytes: readBlob(this.weights, blob.offset ?? 0).bytes };
    }
    return { ...type, ...immediate(type.dtype, message?.immediateValue?.tensor ?? {}) };
  }
}

function immediate(dtype: MilType, tensor: TensorValueMessage): Pick<Literal, 'bytes' | 'text'> {
  if (dtype === 'string') return { bytes: new Uint8Array(0), text: tensor.strings?.values[0] ?? '' };
  if (tensor.floats) return { bytes: tensor.floats.values ?? new Uint8Array(0) };
  if (tensor.bools) return { bytes: Uint8Array.from(tensor.bools.values ?? []) };
  if (tensor.ints) return { bytes: intBytes(dtype, tensor.ints.values ?? new Int32Array(0)) };
  return { bytes: tensor.bytes?.values ?? new Uint8Array(0) };
}

const intBytes = (dtype: MilType, values: Int32Array): Uint8Array =>
  bytesOf(dtype === 'int32' ? values : Int16Array.from(values));

const damaged = (what: string) => invalidError('PACKAGE_DAMAGED', `the package is damaged: ${what}`);
