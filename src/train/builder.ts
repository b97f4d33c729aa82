import { dtypeNumber } from '../ir/dtypes.js';
import { makeAttribute, makeNode } from '../ir/graph.js';
import type { Attribute, Node, Tensor } from '../ir/model.js';
import { int64Tensor, makeTensor } from '../ir/tensor.js';

/** Element types that gradients are computed in: float64 is for checking them. */
export type Real = 'float32' | 'float64';

type Ints = readonly number[];

/** Least length of the rows whose products are added up. */
const DOT_ROW = 1024;

/**
 * Writes nodes of the standard domain (opset 21) one after the other; each method gives the name of the value that it
 * makes. Constants of equal content are made once.
 */
export class Builder {
  readonly nodes: Node[] = [];
  readonly initializers: Tensor[] = [];
  private readonly known = new Map<string, string>();

  constructor(
    private readonly fresh: (wanted: string) => string,
    readonly real: Real = 'float32',
  ) {}

  name(wanted: string): string {
    return this.fresh(wanted);
  }

  /** A node of one output. */
  op(opType: string, inputs: string[], attributes: Attribute[] = []): string {
    return this.many(opType, inputs, 1, attributes)[0];
  }

  many(opType: string, inputs: string[], count: number, attributes: Attribute[] = []): string[] {
    const outputs = Array.from({ length: count }, () => this.fresh(`train_${opType}`));
    this.nodes.push(makeNode(opType, inputs, outputs, attributes));
    return outputs;
  }

  /** Gives a value that nodes here make another name, under which the graph hands it out. */
  rename(value: string, name: string): void {
    const renamed = (names: string[]) => names.map((n) => (n === value ? name : n));
    for (const node of this.nodes) {
      node.inputs = renamed(node.inputs);
      node.outputs = renamed(node.outputs);
    }
  }

  /** int64 values of shape [n]. */
  ints(values: Ints): string {
    return this.once(`i ${values}`, () =>
      int64Tensor(this.fresh('train_ints'), [values.length], [...values]),
    );
  }

  /** Values of the type that is computed in, of shape `dims`. */
  reals(values: ArrayLike<number>, dims: Ints): string {
    const tensor = this.realTensor(values, dims);
    this.initializers.push(tensor);
    return tensor.name!;
  }

  number(value: number): string {
    return this.once(`r ${value}`, () => this.realTensor([value], []));
  }

  integer(value: number): string {
    return this.once(`int64 ${value}`, () => int64Tensor(this.fresh('train_int'), [], [value]));
  }

  uint32(value: number): string {
    return this.once(`uint32 ${value}`, () =>
      makeTensor(this.fresh('train_bits'), 'uint32', [], Uint32Array.of(value)),
    );
  }

  /** One code of at most 8 bits. */
  byte(value: number, dtype: 'int8' | 'uint8'): string {
    const data = dtype === 'int8' ? Int8Array.of(value) : Uint8Array.of(value);
    return this.once(`${dtype} ${value}`, () => makeTensor(this.fresh('train_code'), dtype, [], data));
  }

  private realTensor(values: ArrayLike<number>, dims: Ints): Tensor {
    const data = this.real === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
    return makeTensor(this.fresh('train_constant'), this.real, [...dims], data);
  }

  private once(key: string, make: () => Tensor): string {
    const found = this.known.get(key);
    if (found !== undefined) return found;
    const tensor = make();
    this.initializers.push(tensor);
    this.known.set(key, tensor.name!);
    return tensor.name!;
  }

  add = (a: string, b: string) => this.op('Add', [a, b]);
  sub = (a: string, b: string) => this.op('Sub', [a, b]);
  mul = (a: string, b: string) => this.op('Mul', [a, b]);
  div = (a: string, b: string) => this.op('Div', [a, b]);
  neg = (a: string) => this.op('Neg', [a]);
  matmul = (a: string, b: string) => this.op('MatMul', [a, b]);
  scale = (a: string, factor: number) => (factor === 1 ? a : this.mul(a, this.number(factor)));

  /** `a`, which is finite, where the condition holds, 0 elsewhere: onnxruntime multiplies faster than it chooses. */
  where(condition: string, a: string): string {
    const type = makeAttribute.int('to', dtypeNumber(this.real));
    return this.mul(a, this.op('Cast', [condition], [type]));
  }
  less = (a: string, b: string) => this.op('Less', [a, b]);
  both = (a: string, b: string) => this.op('And', [a, b]);

  reshape = (x: string, dims: Ints) => this.op('Reshape', [x, this.ints(dims)]);
  /** Also broadcasts. */
  expand = (x: string, dims: Ints) => this.op('Expand', [x, this.ints(dims)]);
  zeros = (dims: Ints) => this.expand(this.number(0), dims);

  transpose(x: string, perm: Ints): string {
    if (perm.every((p, i) => p === i)) return x;
    return this.op('Transpose', [x], [makeAttribute.ints('perm', [...perm])]);
  }

  slice(x: string, axes: Ints, starts: Ints, ends: Ints, steps: Ints = axes.map(() => 1)): string {
    return this.op('Slice', [x, ...[starts, ends, axes, steps].map((values) => this.ints(values))]);
  }

  /** Σ x·y over values of sizes `dims`, as partial sums of shape [n, 1, 1]: a product of rows makes no map of its own. */
  dot(x: string, y: string, dims: Ints): string {
    const first = dims.findLastIndex((_, i) => dims.slice(i).reduce((p, d) => p * d, 1) >= DOT_ROW);
    const length = dims.slice(Math.max(first, 0)).reduce((p, d) => p * d, 1);
    const [left, right] = [x, y].map((name) => this.reshape(name, [-1, 1, length]));
    return this.matmul(left, this.transpose(right, [0, 2, 1]));
  }

  /** Zeros before and after each axis. */
  pad(x: string, before: Ints, after: Ints): string {
    if ([...before, ...after].every((p) => p === 0)) return x;
    return this.op('Pad', [x, this.ints([...before, ...after])]);
  }

  concat = (parts: string[], axis: number) =>
    parts.length === 1 ? parts[0] : this.op('Concat', parts, [makeAttribute.int('axis', axis)]);

  sum(x: string, axes: Ints, keep = true): string {
    if (axes.length === 0) return x;
    return this.op('ReduceSum', [x, this.ints(axes)], [makeAttribute.int('keepdims', keep ? 1 : 0)]);
  }
}
