import { unsupportedError } from '../../../errors.js';
import type { Dtype } from '../../../ir/dtypes.js';
import { dtypeNumber } from '../../../ir/dtypes.js';
import { makeAttribute, makeNode } from '../../../ir/graph.js';
import type { Attribute, Node, Tensor } from '../../../ir/model.js';
import { int64Tensor, makeTensor } from '../../../ir/tensor.js';
import { HLO_TYPES, type HloType, isStruct, type Operation, type Struct, type Value } from '../program.js';

/** Narrow floats travel as float32 that hold their values: onnxruntime has few kernels for them. */
const NARROW: readonly HloType[] = ['bf16', 'f8E4M3FN', 'f8E5M2'];
export const isNarrow = (dtype: HloType): boolean => NARROW.includes(dtype);
export const onnxDtype = (dtype: HloType): Dtype => (isNarrow(dtype) ? 'float32' : HLO_TYPES[dtype].dtype);
export const castTo = (dtype: Dtype): Attribute => makeAttribute.int('to', dtypeNumber(dtype));

/** Builds ONNX nodes out of operations: what the tables of this folder work with. */
export class Lifter {
  readonly nodes: Node[] = [];
  readonly initializers: Tensor[] = [];
  private readonly names = new Map<Value, string>();
  private count = 0;

  name(value: Value): string {
    const known = this.names.get(value) ?? `hlo/${this.names.size}`;
    this.names.set(value, known);
    return known;
  }

  rename(value: Value, name: string): void {
    this.names.set(value, name);
  }

  input = (o: Operation, i: number): string => this.name(o.operands[i]);

  private fresh = (): string => `step/${this.count++}`;

  /** A node with one output of its own name. */
  step(opType: string, inputs: string[], attributes: Attribute[] = []): string {
    const output = this.fresh();
    this.nodes.push(makeNode(opType, inputs, [output], attributes));
    return output;
  }

  /** The node that makes the results of the operation. */
  finish(o: Operation, opType: string, inputs: string[], attributes: Attribute[] = []): void {
    this.nodes.push(
      makeNode(
        opType,
        inputs,
        o.results.map((v) => this.name(v)),
        attributes,
      ),
    );
  }

  cast = (x: string, dtype: Dtype): string => this.step('Cast', [x], [castTo(dtype)]);

  /** An initializer of a value's own elements; narrow floats are widened in front of their readers. */
  tensor(value: Value, bytes: Uint8Array): void {
    const { dtype } = HLO_TYPES[value.dtype];
    if (!isNarrow(value.dtype)) {
      this.initializers.push(makeTensor(this.name(value), dtype, value.dims, bytes));
      return;
    }
    const stored = this.fresh();
    this.initializers.push(makeTensor(stored, dtype, value.dims, bytes));
    this.nodes.push(makeNode('Cast', [stored], [this.name(value)], [castTo('float32')]));
  }

  constant(dtype: Dtype, dims: number[], data: ArrayBufferView): string {
    const name = this.fresh();
    this.initializers.push(makeTensor(name, dtype, dims, data));
    return name;
  }

  ints(values: number[]): string {
    const name = this.fresh();
    this.initializers.push(int64Tensor(name, [values.length], values));
    return name;
  }

  reshape = (x: string, dims: number[]): string => this.step('Reshape', [x, this.ints(dims)]);
}

export const numbers = (o: Operation, name: string): number[] => {
  const value = o.attributes[name];
  return Array.isArray(value) ? (value as number[]) : refuse(o, `has no ${name}`);
};
export const number = (o: Operation, name: string): number => {
  const value = o.attributes[name];
  return typeof value === 'number' ? value : refuse(o, `has no ${name}`);
};
export const pairs = (o: Operation, name: string): number[][] => o.attributes[name] as number[][];
export const text = (o: Operation, name: string): string => String(o.attributes[name]);
export function struct(o: Operation, name: string): Struct['fields'] {
  const value = o.attributes[name];
  return isStruct(value) ? value.fields : refuse(o, `has no ${name}`);
}

export function refuse(o: Operation, why: string): never {
  throw unsupportedError('PACKAGE_FOREIGN', `operation ${o.type} ${why}`);
}
