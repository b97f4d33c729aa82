import { unsupportedError } from '../../errors.js';
import type { Dtype } from '../../ir/dtypes.js';
import { type Links, qualifiedType } from '../../ir/graph.js';
import type { Node, Tensor } from '../../ir/model.js';
import { floatValues, intValues, tensorDtype } from '../../ir/tensor.js';
import type { ValueMeta } from '../../runtime/types.js';
import { dequantized, type Weight } from '../weight.js';
import { Builder } from './builder.js';
import type { HloType, Value } from './program.js';
import { weightFloats } from './weights.js';

/** What products of floats are computed in; sums and everything else are float32. */
export type Compute = 'bf16' | 'f32';

const FLOATS: readonly Dtype[] = ['float32', 'float16', 'bfloat16'];

/** Codes of an activation, signed: what they stand for is (value − zero) · scale. */
export interface Codes {
  value: Value;
  scale: number;
  zero: number;
}

/** An int32 constant behind DequantizeLinear: a bias in units of input scale times weight scale. */
export interface IntegerBias {
  values: Int32Array;
  scale: Float32Array;
}

/** What the handlers of the operator table work with: the values of the graph, and the program that they add to. */
export class Context extends Builder {
  /** The node that is being lowered. */
  node!: Node;
  /** Codes as the program holds them, by the name of the quantized value. */
  readonly held = new Map<string, Value>();
  private readonly values = new Map<string, () => Value>();
  private readonly weightsByName = new Map<string, Weight>();
  private readonly codesByName = new Map<string, Codes>();
  private readonly biases = new Map<string, IntegerBias>();

  constructor(
    readonly links: Links,
    private readonly types: Map<string, ValueMeta>,
    readonly compute: Compute,
    /** Constants that stand for codes which no DequantizeLinear can hold. */
    private readonly stored: ReadonlyMap<string, Weight> = new Map(),
  ) {
    super();
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

  /** The type that values of ONNX's type have inside: all floats are float32, all integers int32. */
  inner(dtype: Dtype | undefined): HloType {
    if (dtype === undefined || FLOATS.includes(dtype)) return 'f32';
    if (dtype === 'bool') return 'i1';
    if (/^u?int/.test(dtype)) return 'i32';
    return this.refuse(`a TPU has no ${dtype}`);
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
    const known = this.weightsByName.get(name) ?? this.stored.get(name);
    if (known) return known;
    const tensor = this.initializer(name);
    if (!tensor || !FLOATS.includes(tensorDtype(tensor))) return undefined;
    return { dims: tensor.dims, data: floatValues(tensor) };
  }

  setWeight(name: string, weight: Weight): void {
    this.weightsByName.set(name, weight);
  }

  setBias(name: string, bias: IntegerBias): void {
    this.biases.set(name, bias);
  }

  integerBias = (name: string | undefined): IntegerBias | undefined => this.biases.get(name ?? '');

  /** The codes that a value was dequantized from. */
  codes = (name: string): Codes | undefined => this.codesByName.get(name);

  setCodes(name: string, codes: Codes): void {
    this.codesByName.set(name, codes);
  }

  has = (i: number): boolean => !!this.node.inputs[i];

  /** Input i of the node as a value of the program. */
  input(i: number): Value {
    return this.value(this.node.inputs[i]);
  }

  value(name: string): Value {
    const made = (this.values.get(name) ?? (() => this.constantNamed(name)))();
    this.values.set(name, () => made);
    return made;
  }

  bind(name: string, value: Value | (() => Value)): void {
    this.values.set(name, typeof value === 'function' ? value : () => value);
  }

  private constantNamed(name: string): Value {
    const weight = this.weight(name);
    if (weight) return weightFloats(this, weight, name, 'f32');
    const tensor = this.initializer(name);
    if (!tensor) this.refuse(`"${name}" has no value`);
    return this.constant(this.inner(tensorDtype(tensor)), tensor.dims, intValues(tensor), name);
  }

  /** @throws QuantizeError STABLEHLO_OPERATOR (unsupported), naming the operator */
  refuse(why: string, hint?: string): never {
    const { node } = this;
    const name = node?.name || (node?.outputs[0] ?? '');
    throw unsupportedError(
      'STABLEHLO_OPERATOR',
      `${node ? `${qualifiedType(node)} "${name}": ` : ''}${why}`,
      {
        where: { node: name },
        hint,
      },
    );
  }
}

export { axisOf } from '../lowering/shapes.js';
