import { packCodes } from '../../kernels/pack.js';
import { type Dtype, dtypeBits, dtypeNumber } from '../ir/dtypes.js';
import { type Links, links, makeAttribute, makeNode } from '../ir/graph.js';
import type { Attribute, Graph, Node } from '../ir/model.js';
import { int64Tensor, makeTensor } from '../ir/tensor.js';

/** One graph while it is edited: new constants and nodes get fresh names, and find their places in `weave`. */
export class Editor {
  /** Who made and read what before the edit; every input slot belongs to one value, so it stays true while slots move. */
  readonly links: Links;
  readonly nodes: Map<string, Node>;
  private readonly start: Node[] = [];
  private readonly after = new Map<Node, Node[]>();
  private readonly replaced = new Map<Node, Node[]>();
  private readonly shared = new Map<string, string>();

  constructor(
    readonly graph: Graph,
    readonly fresh: (wanted: string) => string,
  ) {
    this.links = links(graph);
    this.nodes = new Map(graph.nodes.map((n) => [n.name ?? '', n]));
  }

  /** Adds an initializer of codes, packed where the type is narrower than a byte; returns its name. */
  constant(wanted: string, dtype: Dtype, dims: number[], values: ArrayBufferView): string {
    const name = this.fresh(wanted);
    const bits = dtypeBits(dtype);
    const bytes = bits < 8 ? packCodes(values as Uint8Array, bits) : values;
    this.graph.initializers.push(makeTensor(name, dtype, dims, bytes));
    return name;
  }

  float(wanted: string, dims: number[], values: ArrayLike<number>): string {
    return this.constant(wanted, 'float32', dims, Float32Array.from(values));
  }

  int64(wanted: string, values: number[]): string {
    const name = this.fresh(wanted);
    this.graph.initializers.push(int64Tensor(name, [values.length], values));
    return name;
  }

  /** The name of what `make` made the first time that `key` was asked for in this graph. */
  once(key: string, make: () => string): string {
    const name = this.shared.get(key) ?? make();
    this.shared.set(key, name);
    return name;
  }

  /** Adds a node on constants at the start of the graph; returns the name of its output. */
  node(opType: string, inputs: string[], wanted: string, attributes: Attribute[] = []): string {
    const made = this.make(opType, inputs, wanted, attributes);
    this.start.push(made);
    return made.outputs[0];
  }

  /** A node of one output, not yet placed. */
  make(opType: string, inputs: string[], wanted: string, attributes: Attribute[] = []): Node {
    const output = this.fresh(wanted);
    return makeNode(opType, inputs, [output], attributes, { name: `${output}_node` });
  }

  reshape(value: string, dims: number[], wanted: string): string {
    return this.node('Reshape', [value, this.int64(`${wanted}_shape`, dims)], wanted);
  }

  cast(value: string, to: Dtype, wanted: string): string {
    return this.node('Cast', [value], wanted, [makeAttribute.int('to', dtypeNumber(to))]);
  }

  /** Puts nodes behind a node, or at the start of the graph. */
  insert(behind: Node | undefined, nodes: Node[]): void {
    if (behind) this.after.set(behind, [...(this.after.get(behind) ?? []), ...nodes]);
    else this.start.push(...nodes);
  }

  replace(node: Node, by: Node[]): void {
    this.replaced.set(node, by);
  }

  /** Puts the new nodes where ONNX wants them: producers before readers. */
  weave(): void {
    this.graph.nodes = [
      ...this.start,
      ...this.graph.nodes.flatMap((n) => [...(this.replaced.get(n) ?? [n]), ...(this.after.get(n) ?? [])]),
    ];
  }
}
