import { unpackCodes } from '../../../../kernels/pack.js';
import { unsupportedError } from '../../../errors.js';
import type { Dtype } from '../../../ir/dtypes.js';
import { dtypeNumber } from '../../../ir/dtypes.js';
import { makeAttribute, makeNode } from '../../../ir/graph.js';
import type { Attribute, Node, Tensor } from '../../../ir/model.js';
import { elementCount, int64Tensor, makeTensor } from '../../../ir/tensor.js';
import { numbersOf } from '../literal.js';
import {
  isLiteral,
  isVars,
  type Literal,
  MIL_TYPES,
  type MilType,
  type Operation,
  type Var,
} from '../program.js';

/** Types of values while the program runs in onnxruntime. */
const DTYPES: Partial<Record<MilType, Dtype>> = {
  bool: 'bool',
  fp16: 'float16',
  fp32: 'float32',
  int8: 'int8',
  uint8: 'uint8',
  int16: 'int16',
  uint16: 'uint16',
  int32: 'int32',
  uint32: 'uint32',
};

export const onnxDtype = (dtype: MilType): Dtype => DTYPES[dtype] ?? (dtype === 'int4' ? 'int8' : 'uint8');

export const castTo = (dtype: Dtype): Attribute => makeAttribute.int('to', dtypeNumber(dtype));

/** Builds ONNX nodes out of operations: what the table in lift/index.ts works with. */
export class Lifter {
  readonly nodes: Node[] = [];
  readonly initializers: Tensor[] = [];
  private readonly literals = new Map<Var, Literal>();
  private count = 0;

  /** The ONNX name of a value of the program. */
  name = (value: Var): string => `mil/${value.name}`;

  fresh = (): string => `step/${this.count++}`;

  /** Input values of an operation that must be there. */
  input(o: Operation, name: string): string {
    return this.optional(o, name) || refuse(o, `has no ${name}`);
  }

  /** "" when the argument is absent. */
  optional(o: Operation, name: string): string {
    const bound = o.inputs.find(([n]) => n === name)?.[1];
    if (bound === undefined) return '';
    if (isVars(bound)) return refuse(o, `binds several values to ${name}`);
    return isLiteral(bound) ? this.constant(bound) : this.name(bound);
  }

  list(o: Operation, name: string): string[] {
    const bound = o.inputs.find(([n]) => n === name)?.[1];
    if (bound === undefined || isLiteral(bound)) return refuse(o, `has no ${name}`);
    return (isVars(bound) ? bound : [bound]).map(this.name);
  }

  dims(o: Operation, name: string): number[] {
    const bound = o.inputs.find(([n]) => n === name)?.[1];
    return bound && !isVars(bound) ? bound.dims : [];
  }

  dtype(o: Operation, name: string): MilType | undefined {
    const bound = o.inputs.find(([n]) => n === name)?.[1];
    return bound && !isVars(bound) ? bound.dtype : undefined;
  }

  /** Remembers a const operation, which others read as numbers or as a value. */
  define(value: Var, literal: Literal): void {
    this.literals.set(value, literal);
    if (literal.text === undefined) this.addTensor(this.name(value), literal);
  }

  literal(o: Operation, name: string): Literal | undefined {
    const bound = o.inputs.find(([n]) => n === name)?.[1] ?? o.attributes.find(([n]) => n === name)?.[1];
    if (bound === undefined || isVars(bound)) return undefined;
    return isLiteral(bound) ? bound : this.literals.get(bound);
  }

  numbers(o: Operation, name: string): number[] {
    const literal = this.literal(o, name);
    return literal ? Array.from(numbersOf(literal)) : refuse(o, `has no constant ${name}`);
  }

  number = (o: Operation, name: string): number => this.numbers(o, name)[0];
  flag = (o: Operation, name: string): boolean => this.number(o, name) !== 0;
  text = (o: Operation, name: string): string => this.literal(o, name)?.text ?? refuse(o, `has no ${name}`);

  /** An initializer; sub-byte codes take a byte each. */
  constant(literal: Literal): string {
    const name = this.fresh();
    this.addTensor(name, literal);
    return name;
  }

  private addTensor(name: string, { dtype, dims, bytes }: Literal): void {
    const { bits } = MIL_TYPES[dtype];
    const count = elementCount(dims);
    const whole = bits < 8 ? unpackCodes(bytes, count, bits, dtype === 'int4') : bytes;
    this.initializers.push(makeTensor(name, onnxDtype(dtype), dims, whole));
  }

  shape(values: number[]): string {
    const name = this.fresh();
    this.initializers.push(int64Tensor(name, [values.length], values));
    return name;
  }

  scalar64(value: number): string {
    const name = this.fresh();
    this.initializers.push(int64Tensor(name, [], [value]));
    return name;
  }

  /** A node with one output of its own name. */
  step(opType: string, inputs: string[], attributes: Attribute[] = []): string {
    const output = this.fresh();
    this.nodes.push(makeNode(opType, inputs, [output], attributes));
    return output;
  }

  /** The node that makes the outputs of the operation. */
  finish(o: Operation, opType: string, inputs: string[], attributes: Attribute[] = []): void {
    this.nodes.push(makeNode(opType, inputs, o.outputs.map(this.name), attributes));
  }
}

export function refuse(o: Operation, why: string): never {
  throw unsupportedError('PACKAGE_FOREIGN', `operation ${o.type} "${o.outputs[0]?.name ?? ''}" ${why}`);
}
