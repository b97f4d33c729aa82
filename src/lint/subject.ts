import { type Dtype, dtypeName } from '../ir/dtypes.js';
import {
  allGraphs,
  attribute,
  intAttribute,
  isOp,
  type Links,
  links,
  normalDomain,
  opsetVersion,
  type Use,
} from '../ir/graph.js';
import type { Graph, Model, Node, Tensor } from '../ir/model.js';
import { floatValues, tensorBytes } from '../ir/tensor.js';

/** One QuantizeLinear or DequantizeLinear with what can be known of it without running anything. */
export interface Grid {
  node: Node;
  label: string;
  quantizes: boolean;
  /** What is quantized or dequantized. */
  data: string;
  output: string;
  /** Type of the codes; undefined where nothing tells. */
  dtype: Dtype | undefined;
  /** The scale, where it is a constant. */
  scale: Tensor | undefined;
  scales: Float32Array | undefined;
  /** False where the scale is computed from what is fed. */
  constantScale: boolean;
  zero: Tensor | undefined;
  zeroIsZero: boolean;
  /** As the node says it; undefined where it does not. */
  axis: number | undefined;
  block: number;
  /** The constant that is (de)quantized. */
  constant: Tensor | undefined;
}

/** Operators that hand on elements as they are. */
const MOVES = ['Reshape', 'Transpose', 'Identity', 'Flatten', 'Squeeze', 'Unsqueeze', 'Slice', 'Dropout'];

/** One graph of a model, ready to be asked. */
export class Scope {
  readonly links: Links;
  readonly grids: Grid[];
  private readonly byOutput: Map<string, Grid>;
  /** What depends on constants only. */
  private readonly fixed = new Set<string>();

  constructor(
    readonly graph: Graph,
    readonly constants: ReadonlyMap<string, Tensor>,
    readonly isRoot: boolean,
  ) {
    this.links = links(graph);
    for (const node of graph.nodes)
      if (node.inputs.every((name) => this.isFixed(name)))
        for (const output of node.outputs) this.fixed.add(output);
    this.grids = graph.nodes
      .filter((n) => isOp(n, 'QuantizeLinear', 'DequantizeLinear'))
      .map((n) => this.grid(n));
    this.byOutput = new Map(this.grids.map((g) => [g.output, g]));
  }

  uses = (name: string): Use[] => this.links.uses.get(name) ?? [];

  /** The Q or DQ that makes a value. */
  gridOf = (name: string | undefined): Grid | undefined =>
    name === undefined ? undefined : this.byOutput.get(name);

  /** The DQ behind a value, through operators that move elements. */
  dequantizedBy(name: string | undefined): Grid | undefined {
    const found = this.gridOf(this.origin(name));
    return found && !found.quantizes ? found : undefined;
  }

  /** The pair's first half, where a DQ reads a Q. */
  quantizerOf = (dq: Grid): Grid | undefined => {
    const q = this.gridOf(this.origin(dq.data));
    return q?.quantizes ? q : undefined;
  };

  /** The value that moving operators hand on. */
  origin(name: string | undefined): string | undefined {
    let at = name;
    for (let steps = 0; at !== undefined && steps < 16; steps++) {
      const maker = this.links.producer.get(at);
      if (!isOp(maker, ...MOVES)) return at;
      at = maker.inputs[0];
    }
    return at;
  }

  /** Codes that were constants when the file was written: stored, or a constant that a Q rounds. */
  isWeight = (dq: Grid): boolean => this.isFixed(dq.data);

  /** A Q, or a DQ of stored codes: what a pair is made of is told once. */
  leads = (grid: Grid): boolean => grid.quantizes || this.isWeight(grid);

  /** True for what depends on constants only. */
  isFixed = (name: string): boolean => !name || this.constants.has(name) || this.fixed.has(name);

  private grid(node: Node): Grid {
    const [data, scaleName, zeroName] = node.inputs;
    const quantizes = node.opType === 'QuantizeLinear';
    const [scale, zero, constant] = [scaleName, zeroName, data].map((n) => this.constants.get(n ?? ''));
    return {
      node,
      label: node.name || node.outputs[0],
      quantizes,
      data,
      output: node.outputs[0],
      dtype: this.codeType(node, quantizes, constant, zero),
      scale,
      scales: scale && numbers(scale),
      constantScale: this.isFixed(scaleName),
      zero,
      zeroIsZero: !zeroName || (zero !== undefined && isZero(zero)),
      axis: attribute(node, 'axis') && intAttribute(node, 'axis', 1),
      block: intAttribute(node, 'block_size', 0),
      constant,
    };
  }

  private codeType(node: Node, quantizes: boolean, constant?: Tensor, zero?: Tensor): Dtype | undefined {
    if (zero) return dtypeName(zero.dataType);
    if (!quantizes && constant) return dtypeName(constant.dataType);
    if (!quantizes) {
      const maker = this.links.producer.get(this.origin(node.inputs[0]) ?? '');
      return isOp(maker, 'QuantizeLinear')
        ? this.codeType(maker, true, undefined, this.constants.get(maker.inputs[2] ?? ''))
        : undefined;
    }
    if (node.inputs[2]) return undefined;
    return dtypeName(intAttribute(node, 'output_dtype', 0)) ?? 'uint8';
  }
}

const FLOATS = ['float32', 'float16', 'bfloat16', 'float64'];
const numbers = (tensor: Tensor): Float32Array | undefined =>
  FLOATS.includes(dtypeName(tensor.dataType) ?? '') ? floatValues(tensor) : undefined;

/** −0 of a float counts as zero. */
const isZero = (tensor: Tensor): boolean => {
  const sign = dtypeName(tensor.dataType)?.startsWith('float') ? 0x80 : 0;
  return tensorBytes(tensor).every((b) => b === 0 || b === sign);
};

/** A model as the rules see it. */
export interface Subject {
  model: Model;
  opset: number;
  scopes: Scope[];
  root: Scope;
}

export function subjectOf(model: Model): Subject {
  const scopes: Scope[] = [];
  const constants = new Map<string, Tensor>();
  for (const graph of allGraphs(model.graph)) {
    for (const t of graph.initializers) constants.set(t.name ?? '', t);
    for (const node of graph.nodes) {
      const value =
        normalDomain(node.domain) === '' && node.opType === 'Constant' && attribute(node, 'value')?.t;
      if (value) constants.set(node.outputs[0], { ...value, name: node.outputs[0] });
    }
    scopes.push(new Scope(graph, constants, graph === model.graph));
  }
  return { model, opset: opsetVersion(model), scopes, root: scopes[0] };
}

/** Every Q and DQ with the graph that it is in. */
export function* grids(subject: Subject): Generator<{ grid: Grid; scope: Scope }> {
  for (const scope of subject.scopes) for (const grid of scope.grids) yield { grid, scope };
}

/** Every node of an operator with the graph that it is in. */
export function* nodes(
  subject: Subject,
  ...ops: string[]
): Generator<{ node: Node; scope: Scope; label: string }> {
  for (const scope of subject.scopes)
    for (const node of scope.graph.nodes)
      if (isOp(node, ...ops)) yield { node, scope, label: node.name || node.outputs[0] };
}
