import { unsupportedError } from '../../errors.js';
import { type Dtype, dtypeNumber } from '../../ir/dtypes.js';
import {
  attribute,
  cloneModel,
  isOp,
  links,
  makeAttribute,
  makeNode,
  nameAllocator,
  qualifiedType,
  setAttribute,
  subgraphs,
  usedNames,
} from '../../ir/graph.js';
import type { Graph, Model, Node, Tensor } from '../../ir/model.js';
import { HALF_TYPES, type Half, halfTensor, recoded } from './half-values.js';

/** Inputs that are float32 by definition: sizes are computed from them. */
const FLOAT_INPUTS: Record<string, readonly number[]> = { Resize: [1, 2], Upsample: [1] };
/** Operators that ONNX 22 defines for float32 and not for 16 bits: they compute in float32, between casts. */
const FLOAT_ONLY = ['Range', 'NonMaxSuppression', 'Celu', 'RandomNormal', 'RandomUniform', 'Multinomial'];
const WITHOUT_BF16 = ['Einsum', 'TopK', 'OneHot', 'ReverseSequence', 'Unique', 'Compress', 'Shrink'];
const FLOAT = dtypeNumber('float32');

/**
 * A Q/DQ model with all that is float32 in a type of 16 bits, scales too: TensorRT's networks are strongly typed. Inputs
 * and outputs stay float32, each behind a cast. Values that float16 cannot hold become its largest; scales its smallest,
 * and codes of weights follow them. Works on a copy; `types` knows the model's values before pairs were put in. bf16 needs
 * opset 22, which is the caller's.
 * @throws QuantizeError HALF_OPERATOR (unsupported) for control flow
 */
export function narrowed(model: Model, to: Half, types: ReadonlyMap<string, { dtype?: string }>): Model {
  const copy = cloneModel(model);
  refuseNested(copy.graph);
  const floats = floatNames(copy.graph, types);
  recodeWeights(copy.graph, to);
  const narrowing = new Narrowing(copy.graph, to, floats);
  narrowing.nodes();
  narrowing.ends();
  narrowing.constants();
  narrowing.stateTypes();
  return copy;
}

function refuseNested(graph: Graph): void {
  const node = graph.nodes.find((n) => subgraphs(n).length > 0);
  if (!node) return;
  throw unsupportedError('HALF_OPERATOR', `${qualifiedType(node)} has bodies that stay float32`, {
    where: { node: node.name || node.outputs[0] },
    hint: 'leave --high-precision fp32',
  });
}

/** Every float32 value: as the types say, and what pairs and their arithmetic make of those. */
function floatNames(graph: Graph, types: ReadonlyMap<string, { dtype?: string }>): Set<string> {
  const floats = new Set(graph.initializers.filter(isFloatTensor).map((t) => t.name ?? ''));
  for (const { name, type } of graph.inputs) if (type?.tensor?.elemType === FLOAT) floats.add(name);
  for (const node of graph.nodes)
    for (const output of node.outputs) {
      const known = types.get(output)?.dtype;
      if (known ? known === 'float32' : makesFloat(node, floats)) floats.add(output);
    }
  return floats;
}

const isFloatTensor = (t: Tensor): boolean => t.dataType === FLOAT;

function makesFloat(node: Node, floats: ReadonlySet<string>): boolean {
  if (isOp(node, 'Cast')) return Number(attribute(node, 'to')?.i ?? 0) === FLOAT;
  if (isOp(node, 'DequantizeLinear')) return floats.has(node.inputs[1]);
  return !isOp(node, 'QuantizeLinear', 'Shape', 'Size') && floats.has(node.inputs[0]);
}

/** Codes of weights whose scales a narrow type rounds by more than a thousandth. */
function recodeWeights(graph: Graph, to: Half): void {
  const { initializer, uses } = links(graph);
  for (const node of graph.nodes.filter((n) => isOp(n, 'DequantizeLinear'))) {
    const [codes, scale] = node.inputs.map((name) => initializer.get(name));
    if (!codes || !scale || !isFloatTensor(scale) || uses.get(codes.name ?? '')?.length !== 1) continue;
    const made = recoded(node, codes, scale, to);
    if (made) graph.initializers[graph.initializers.indexOf(codes)] = made;
  }
}

class Narrowing {
  private readonly fresh: (wanted: string) => string;
  private readonly dtype: Dtype;
  /** Names that are in 16 bits when all is done. */
  private readonly halves = new Set<string>();
  /** Float32 twins of values in 16 bits, for operators that want those. */
  private readonly twins = new Map<string, string>();

  constructor(
    private readonly graph: Graph,
    private readonly to: Half,
    private readonly floats: ReadonlySet<string>,
  ) {
    this.fresh = nameAllocator(usedNames(graph));
    this.dtype = HALF_TYPES[to];
  }

  nodes(): void {
    this.graph.nodes = this.graph.nodes.flatMap((node) => {
      const before: Node[] = [];
      const alone = isOp(node, ...FLOAT_ONLY, ...(this.to === 'bf16' ? WITHOUT_BF16 : []));
      const kept = FLOAT_INPUTS[node.opType] ?? [];
      node.inputs = node.inputs.map((name, i) =>
        this.floats.has(name) && (alone || kept.includes(i)) ? this.twin(name, before) : name,
      );
      if (alone) return [...before, node, ...this.narrowOutputs(node)];
      this.retype(node);
      for (const output of node.outputs) if (this.floats.has(output)) this.halves.add(output);
      return [...before, node];
    });
  }

  /** The value in float32: a cast of it, or the constant as it is. */
  private twin(name: string, before: Node[]): string {
    const known = this.twins.get(name);
    if (known) return known;
    const twin = this.fresh(`${name}_float32`);
    this.twins.set(name, twin);
    const constant = this.graph.initializers.find((t) => t.name === name);
    if (constant) this.graph.initializers.push({ ...constant, name: twin });
    else before.push(this.cast(name, twin, 'float32'));
    return twin;
  }

  private narrowOutputs(node: Node): Node[] {
    return node.outputs.flatMap((output, i) => {
      if (!this.floats.has(output)) return [];
      node.outputs[i] = this.fresh(`${output}_float32`);
      this.halves.add(output);
      return [this.cast(node.outputs[i], output, this.dtype)];
    });
  }

  /** Types and values that a node carries itself. */
  private retype(node: Node): void {
    const type = isOp(node, 'Cast') ? 'to' : isOp(node, 'EyeLike', 'RandomNormalLike') ? 'dtype' : undefined;
    if (type && Number(attribute(node, type)?.i ?? 0) === FLOAT)
      setAttribute(node, makeAttribute.int(type, dtypeNumber(this.dtype)));
    const value = isOp(node, 'Constant', 'ConstantOfShape') ? attribute(node, 'value')?.t : undefined;
    if (value && isFloatTensor(value))
      setAttribute(node, makeAttribute.tensor('value', halfTensor(value, this.to)));
  }

  /** A cast behind each input, and before each output. */
  ends(): void {
    const { graph, dtype } = this;
    const first = graph.inputs.filter((v) => this.floats.has(v.name)).map((v) => v.name);
    const last = new Set(graph.outputs.map((v) => v.name).filter((name) => this.halves.has(name)));
    const inside = new Map([...first, ...last].map((name) => [name, this.fresh(`${name}_${dtype}`)]));
    const renamed = (name: string): string => inside.get(name) ?? name;
    for (const node of graph.nodes) {
      const wide = isOp(node, 'Cast') && this.twins.get(node.inputs[0]) === node.outputs[0];
      node.inputs = node.inputs.map((name) => (wide && first.includes(name) ? name : renamed(name)));
      node.outputs = node.outputs.map(renamed);
    }
    for (const name of last) this.halves.delete(name);
    for (const name of inside.values()) this.halves.add(name);
    graph.nodes = [
      ...first.map((name) => this.cast(name, inside.get(name)!, dtype)),
      ...graph.nodes,
      ...[...last].map((name) => this.cast(inside.get(name)!, name, 'float32')),
    ];
  }

  constants(): void {
    const { graph } = this;
    const keep = new Set([...this.twins.values(), ...graph.outputs.map((v) => v.name)]);
    const read = new Set(graph.nodes.flatMap((n) => n.inputs));
    const grids = graph.nodes.filter((n) => isOp(n, 'QuantizeLinear', 'DequantizeLinear'));
    const scales = new Set(grids.map((n) => n.inputs[1]));
    const half = (t: Tensor) => halfTensor(t, this.to, scales.has(t.name ?? ''));
    graph.initializers = graph.initializers
      .filter((t) => read.has(t.name ?? '') || keep.has(t.name ?? ''))
      .map((t) => (isFloatTensor(t) && !keep.has(t.name ?? '') ? half(t) : t));
  }

  /** Readers need not infer types: which values are narrow is written down. */
  stateTypes(): void {
    const { graph, halves } = this;
    const elemType = dtypeNumber(this.dtype);
    const known = new Map(graph.valueInfo.map((v) => [v.name, v]));
    graph.valueInfo = graph.valueInfo.filter((v) => !halves.has(v.name));
    for (const name of halves) {
      const shape = known.get(name)?.type?.tensor?.shape;
      graph.valueInfo.push({ name, type: { tensor: { elemType, shape } } });
    }
  }

  private cast(from: string, made: string, to: Dtype): Node {
    return makeNode('Cast', [from], [made], [makeAttribute.int('to', dtypeNumber(to))], {
      name: this.fresh(`${made}_cast`),
    });
  }
}
