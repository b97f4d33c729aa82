import { attribute, intAttribute, intsAttribute, normalDomain } from '../../ir/graph.js';
import type { Graph, Node, Tensor, TypeInfo } from '../../ir/model.js';
import { intValues } from '../../ir/tensor.js';

const [FLOAT, INT64, BOOL, UINT8] = [1, 7, 9, 2];

/** Element types that an operator fixes; every operator not listed passes on the type of its first input. */
const FIXED_DTYPE: Record<string, number> = {
  ...Object.fromEntries(
    ['Shape', 'Size', 'NonZero', 'ArgMax', 'ArgMin', 'NonMaxSuppression'].map((o) => [o, INT64]),
  ),
  ...Object.fromEntries(
    ['Equal', 'Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual', 'Not', 'And', 'Or', 'Xor'].map((o) => [
      o,
      BOOL,
    ]),
  ),
  IsNaN: BOOL,
  IsInf: BOOL,
};

/** Operators whose output has the type of another input than the first. */
const DTYPE_INPUT: Record<string, number> = {
  Where: 1,
  CastLike: 1,
  OneHot: 2,
  DequantizeLinear: 1,
  QLinearConv: 7,
  QLinearMatMul: 7,
};

/** Operators whose output has the very shape of their first input. */
const SAME_SHAPE = new Set(
  `Abs Acos Asin Atan BatchNormalization Cast Ceil Clip Cos Dropout Elu Erf Exp Floor HardSigmoid Hardmax Identity
  InstanceNormalization LRN LeakyRelu Log LogSoftmax LpNormalization MeanVarianceNormalization Neg Not Reciprocal
  Relu Round Selu Sigmoid Sign Sin Softmax Softplus Softsign Sqrt Tan Tanh ThresholdedRelu`.split(/\s+/),
);

/** Operators that keep the rank of their first input. */
const SAME_RANK = new Set(
  'AveragePool Concat Conv ConvTranspose GlobalMaxPool LpPool MaxPool Pad Resize Slice Split Tile Upsample'.split(
    ' ',
  ),
);

/** Operators that give the rank of the higher of their two inputs. */
const BROADCAST = new Set(['Add', 'Div', 'MatMul', 'Mul', 'Pow', 'Sub']);

/** The graph a node lives in and those around it: resolves a value to its type, shape or constant. */
export class Scope {
  private readonly types = new Map<string, TypeInfo>();
  private readonly constants = new Map<string, Tensor>();
  private readonly producers = new Map<string, Node>();

  constructor(
    graph: Graph,
    private readonly outer?: Scope,
  ) {
    for (const v of [...graph.valueInfo, ...graph.outputs, ...graph.inputs])
      if (v.type) this.types.set(v.name, v.type);
    // An initializer that is also an input may be overridden when the model runs.
    const inputs = new Set(graph.inputs.map((v) => v.name));
    for (const t of graph.initializers) if (t.name && !inputs.has(t.name)) this.constants.set(t.name, t);
    for (const n of graph.nodes) this.define(n);
  }

  define(node: Node): void {
    for (const output of node.outputs) if (output) this.producers.set(output, node);
    const value = node.opType === 'Constant' ? attribute(node, 'value')?.t : undefined;
    if (value) this.constants.set(node.outputs[0], value);
  }

  defineConstant(name: string, tensor: Tensor): void {
    this.constants.set(name, tensor);
  }

  constantOf(name: string): Tensor | undefined {
    return this.constants.get(name) ?? (this.producers.has(name) ? undefined : this.outer?.constantOf(name));
  }

  private typeOf(name: string): TypeInfo | undefined {
    return this.types.get(name) ?? this.outer?.typeOf(name);
  }

  private producerOf(name: string): Node | undefined {
    return this.producers.get(name) ?? this.outer?.producerOf(name);
  }

  dtypeOf(name: string): number | undefined {
    for (let value = name, steps = 0; value && steps < MAX_STEPS; steps++) {
      const known = this.typeOf(value)?.tensor?.elemType || this.constantOf(value)?.dataType;
      if (known) return known;
      const node = this.producerOf(value);
      if (!node || normalDomain(node.domain) !== '') return undefined;
      const next = stepDtype(node, value);
      if (typeof next !== 'string') return next;
      value = next;
    }
    return undefined;
  }

  shapeOf(name: string): (number | undefined)[] | undefined {
    let sizesKept = true;
    for (let value = name, steps = 0; value && steps < MAX_STEPS; steps++) {
      const known = this.declaredShape(value) ?? this.madeShape(value);
      if (known) return sizesKept ? known : known.map(() => undefined);
      const node = this.producerOf(value);
      if (!node || value !== node.outputs[0] || normalDomain(node.domain) !== '') return undefined;
      const scaled = this.besideScalar(node);
      const same = scaled !== undefined || SAME_SHAPE.has(node.opType);
      if (!same && !SAME_RANK.has(node.opType)) return undefined;
      sizesKept &&= same;
      value = scaled ?? node.inputs[0];
    }
    return undefined;
  }

  private declaredShape(name: string): (number | undefined)[] | undefined {
    const shape = this.typeOf(name)?.tensor?.shape;
    return shape ? shape.dims.map((d) => d.value) : this.constantOf(name)?.dims;
  }

  /** What an element-wise operator computes with a constant number. */
  private besideScalar(node: Node): string | undefined {
    if (!BROADCAST.has(node.opType) || node.opType === 'MatMul') return undefined;
    const at = node.inputs.findIndex((input) => this.constantOf(input)?.dims.length === 0);
    return at < 0 ? undefined : node.inputs[1 - at];
  }

  /** The shape that the producer tells, or for two inputs the producers of those: no further, as chains fan out. */
  private madeShape(name: string, deep = true): (number | undefined)[] | undefined {
    const node = this.producerOf(name);
    if (!node || normalDomain(node.domain) !== '') return undefined;
    if (deep && BROADCAST.has(node.opType)) {
      const ranks = node.inputs.map((i) => (this.declaredShape(i) ?? this.madeShape(i, false))?.length);
      const least = node.opType === 'MatMul' ? 2 : 0;
      return ranks.every((r) => r !== undefined && r >= least)
        ? Array<undefined>(Math.max(...(ranks as number[]))).fill(undefined)
        : undefined;
    }
    if (node.opType === 'Flatten' || node.opType === 'Gemm') return [undefined, undefined];
    if (node.opType === 'Transpose') return intsAttribute(node, 'perm')?.map(() => undefined);
    const shape = node.opType === 'Reshape' ? this.constantOf(node.inputs[1]) : undefined;
    return shape && intValues(shape).map((d) => (d > 0 ? d : undefined));
  }
}

/** Producer chains are followed this far; a cyclic file must not hang us. */
const MAX_STEPS = 100_000;

/** One step towards the type: a data-type number, or the name of a value of the same type. */
function stepDtype(node: Node, value: string): number | string | undefined {
  if (node.opType === 'Cast') return intAttribute(node, 'to', 0) || undefined;
  if (node.opType === 'ConstantOfShape') return attribute(node, 'value')?.t?.dataType ?? FLOAT;
  if (node.opType === 'Constant') return attribute(node, 'value')?.t?.dataType;
  if (node.opType === 'QuantizeLinear') return node.inputs[2] || UINT8;
  if (subgraphOrIndexed(node, value)) return undefined;
  return FIXED_DTYPE[node.opType] ?? node.inputs[DTYPE_INPUT[node.opType] ?? 0];
}

/** Types that come out of a body, a second output of its own type, or an attribute: not worth following. */
const subgraphOrIndexed = (node: Node, value: string): boolean =>
  OPAQUE.has(node.opType) || (value !== node.outputs[0] && !MANY_OF_ONE_TYPE.has(node.opType));

const OPAQUE = new Set(
  `If Loop Scan EyeLike RandomNormal RandomUniform RandomNormalLike RandomUniformLike Multinomial Bernoulli
  ConvInteger MatMulInteger DynamicQuantizeLinear SequenceAt OptionalGetElement StringNormalizer TfIdfVectorizer`.split(
    /\s+/,
  ),
);
const MANY_OF_ONE_TYPE = new Set(['Split', 'LSTM', 'GRU', 'RNN', 'BatchNormalization']);
