import { unsupportedError } from '../../errors.js';
import type { Dtype } from '../../ir/dtypes.js';
import { type Links, qualifiedType } from '../../ir/graph.js';
import type { Node, Tensor } from '../../ir/model.js';
import { floatValues, intValues, tensorDtype } from '../../ir/tensor.js';
import type { ValueMeta } from '../../runtime/types.js';
import { dequantized, type Weight } from '../weight.js';
import { constexprs } from './constexpr/index.js';
import type { Quantized } from './constexpr/made.js';
import { sparseFloats } from './constexpr/sparse.js';
import { flag, floats, ints } from './literal.js';
import {
  type Argument,
  type Ios,
  isLiteral,
  isVars,
  type Literal,
  type MilType,
  type Operation,
  type Var,
} from './program.js';

/** Core ML's own limit on every value of a program. */
const MAX_RANK = 5;

export type Floating = 'fp16' | 'fp32';
/** Arguments as handlers give them: what is undefined is left out, literals become const operations. */
export type Inputs = Record<string, Argument | undefined>;

const FLOATS: readonly Dtype[] = ['float32', 'float16', 'float64', 'bfloat16'];

/** What the handlers of the operator table work with: the values of the graph, and the program that they add to. */
export class Context {
  readonly operations: Operation[] = [];
  /** What const and constexpr operations make. */
  readonly constants = new Set<Var>();
  /** The node that is being lowered. */
  node!: Node;
  /** What the node being lowered computes in. */
  float: Floating;
  private readonly values = new Map<string, Var>();
  /** Constants, and values in the other float type than they were made in, by that type and name. */
  private readonly typed = new Map<string, Var>();
  private readonly weights = new Map<string, Weight>();
  private readonly absorbed = new Set<Node>();

  constructor(
    readonly links: Links,
    private readonly types: Map<string, ValueMeta>,
    readonly ios: Ios,
    /** What the program computes in, but for the nodes that float16 does not do. */
    readonly base: Floating,
    /** Constants that stand for codes which no DequantizeLinear can hold. */
    private readonly stored: ReadonlyMap<string, Weight> = new Map(),
  ) {
    this.float = base;
  }

  /** Shape of a value of the graph. */
  dims(name: string): number[] {
    const dims = this.types.get(name)?.dims;
    if (dims?.every((d): d is number => typeof d === 'number' && d >= 0)) return dims as number[];
    this.refuse(
      `the shape of "${name}" is not known before the model runs (${dims?.join('×') ?? 'no rank'})`,
      'give sizes to symbolic dimensions with --dim name=size',
    );
  }

  dtype(name: string): Dtype | undefined {
    return this.types.get(name)?.dtype;
  }

  /** The type that ONNX's becomes here. 8-bit integers that are no codes travel as int32. */
  milType(dtype: Dtype | undefined): MilType {
    if (dtype === undefined || FLOATS.includes(dtype)) return this.float;
    if (dtype === 'bool') return 'bool';
    if (/^u?int/.test(dtype)) return 'int32';
    return this.refuse(`Core ML has no ${dtype}`);
  }

  initializer(name: string): Tensor | undefined {
    return this.links.initializer.get(name);
  }

  /** Integers of a constant input; undefined when it is absent or computed. */
  ints(i: number): number[] | undefined {
    const tensor = this.initializer(this.node.inputs[i] ?? '');
    return tensor && intValues(tensor);
  }

  /** Floats of a constant, dequantized where it is stored in codes. */
  floats(name: string | undefined): Float32Array | undefined {
    const weight = name ? this.weight(name) : undefined;
    return weight && dequantized(weight);
  }

  /** A float constant, or one behind DequantizeLinear. */
  weight(name: string): Weight | undefined {
    const known = this.weights.get(name) ?? this.stored.get(name);
    if (known) return known;
    const tensor = this.initializer(name);
    if (!tensor || !FLOATS.includes(tensorDtype(tensor))) return undefined;
    return { dims: tensor.dims, data: floatValues(tensor) };
  }

  setWeight(name: string, weight: Weight): void {
    this.weights.set(name, weight);
  }

  /** Input i of the node as a value of the program; constants become const or constexpr operations. */
  input(i: number): Var {
    return this.value(this.node.inputs[i]);
  }

  /** A value in the float type of the node being lowered. */
  value(name: string): Var {
    const bound = this.values.get(name);
    if (bound && (bound.dtype === this.float || !isFloating(bound.dtype))) return bound;
    const key = `${this.float} ${name}`;
    const made = this.typed.get(key) ?? (bound ? this.cast(bound, this.float) : this.constantNamed(name));
    this.typed.set(key, made);
    return made;
  }

  bind(name: string, value: Var): void {
    this.values.set(name, value);
  }

  private constantNamed(name: string): Var {
    const weight = this.weight(name);
    const made = weight ? this.constant(weight) : this.plainConstant(name);
    made.name = name;
    return made;
  }

  private plainConstant(name: string): Var {
    const tensor = this.initializer(name);
    if (!tensor) this.refuse(`"${name}" has no value`);
    const dtype = this.milType(tensorDtype(tensor));
    const values = intValues(tensor);
    const literal = ints(values, tensor.dims);
    if (dtype === 'int32') return this.literal(literal);
    return this.literal({ dtype: 'bool', dims: tensor.dims, bytes: Uint8Array.from(values) });
  }

  /** A const operation. */
  literal(value: Literal): Var {
    const output = { name: '', dtype: value.dtype, dims: value.dims };
    this.add({ type: 'const', inputs: [], outputs: [output], attributes: [['val', value]] });
    return output;
  }

  /** A weight: a const of floats, or constexpr operations over codes. */
  constant(weight: Weight): Var {
    const made = weight.quantized
      ? constexprs(weight as Quantized, this.ios, this.float, (why, hint) => this.refuse(why, hint))
      : [sparseFloats(weight, this.ios, this.float)].filter((o) => o !== undefined);
    for (const o of made) this.add(o);
    return made.at(-1)?.outputs[0] ?? this.literal(floats(this.float, weight.data, weight.dims));
  }

  /** An operation with one output; its type is that of the first input unless `dtype` says otherwise. */
  op(type: string, inputs: Inputs, dims: number[], dtype?: MilType): Var {
    return this.ops(type, inputs, [{ dims, dtype }])[0];
  }

  ops(type: string, inputs: Inputs, outputs: { dims: number[]; dtype?: MilType }[]): Var[] {
    const bound = Object.entries(inputs).filter((e): e is [string, Argument] => e[1] !== undefined);
    const all = bound.map(([name, a]): [string, Var | readonly Var[]] => [
      name,
      isLiteral(a) ? this.literal(a) : a,
    ]);
    const [, first] = all[0];
    const otherwise = (isVars(first) ? first[0] : (first as Var)).dtype;
    const made = outputs.map(({ dims, dtype = otherwise }) => ({ name: '', dtype, dims }));
    for (const { dims } of made)
      if (dims.length > MAX_RANK)
        this.refuse(`Core ML holds ${MAX_RANK} axes at most, not ${dims.join('×')}`);
    this.add({ type, inputs: all, outputs: made, attributes: [] });
    return made;
  }

  private add(operation: Omit<Operation, 'origin'>): void {
    this.operations.push({ ...operation, origin: this.node?.name ?? '' });
    if (operation.type.startsWith('const')) for (const v of operation.outputs) this.constants.add(v);
  }

  /** A float scalar of the type that `beside` has. */
  number(value: number, beside?: Var): Literal {
    return beside?.dtype === 'int32' ? ints([value], []) : floats(this.float, [value], []);
  }

  cast(x: Var, dtype: MilType): Var {
    return x.dtype === dtype ? x : this.op('cast', { x, dtype: textOf(dtype) }, x.dims, dtype);
  }

  reshape(x: Var, dims: number[]): Var {
    const same = dims.length === x.dims.length && dims.every((d, i) => d === x.dims[i]);
    if (same) return x;
    // A scalar has no shape to reshape to.
    if (dims.length === 0) return this.op('squeeze', { x, axes: ints(x.dims.map((_, i) => i)) }, []);
    if (x.dims.length === 0) return this.reshape(this.op('expand_dims', { x, axes: ints([0]) }, [1]), dims);
    return this.op('reshape', { x, shape: ints(dims) }, dims);
  }

  transpose(x: Var, perm: number[]): Var {
    return this.op(
      'transpose',
      { x, perm: ints(perm) },
      perm.map((p) => x.dims[p]),
    );
  }

  /** Repeats values so that x has the shape `dims`, as ONNX broadcasts. */
  broadcast(x: Var, dims: number[]): Var {
    const padded = [...Array<number>(dims.length - x.dims.length).fill(1), ...x.dims];
    const reps = dims.map((d, i) => d / padded[i]);
    const reshaped = this.reshape(x, padded);
    return reps.every((r) => r === 1) ? reshaped : this.op('tile', { x: reshaped, reps: ints(reps) }, dims);
  }

  reduce(type: string, x: Var, axes: number[], keep: boolean): Var {
    const dims = x.dims.flatMap((d, i) => (axes.includes(i) ? (keep ? [1] : []) : [d]));
    return this.op(type, { x, axes: ints(axes), keep_dims: flag(keep) }, dims);
  }

  /** The only reader of a value, when it has one and is no output of the graph. */
  onlyReader(name: string): Node | undefined {
    const uses = this.links.uses.get(name) ?? [];
    return uses.length === 1 && !this.links.outputs.has(name) ? uses[0].node : undefined;
  }

  /** Says that the node being lowered does the work of `node` too. */
  absorb(node: Node, value: Var): void {
    this.absorbed.add(node);
    this.bind(node.outputs[0], value);
  }

  isAbsorbed(node: Node): boolean {
    return this.absorbed.has(node);
  }

  /** @throws QuantizeError COREML_OPERATOR (unsupported), naming the operator */
  refuse(why: string, hint?: string): never {
    const { node } = this;
    const name = node?.name || (node?.outputs[0] ?? '');
    throw unsupportedError('COREML_OPERATOR', `${node ? `${qualifiedType(node)} "${name}": ` : ''}${why}`, {
      where: { node: name },
      hint,
    });
  }
}

export const isFloating = (dtype: MilType): boolean => dtype === 'fp16' || dtype === 'fp32';

const textOf = (dtype: MilType): Literal => ({
  dtype: 'string',
  dims: [],
  bytes: new Uint8Array(0),
  text: dtype,
});

export { axisOf, range } from '../lowering/shapes.js';
