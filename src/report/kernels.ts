import type { Fusion, Library } from '../../targets/types.js';
import { freeNames, intsAttribute, isOp, subgraphs } from '../ir/graph.js';
import type { Model, Node } from '../ir/model.js';
import { macRule, nodeMacs, nodeOperations } from './macs.js';
import {
  CONSTANT_OPERATORS,
  FUSIBLE_OPERATORS,
  RENAMING_OPERATORS,
  ROW_OPERATORS,
  VIEW_OPERATORS,
} from './operators.js';
import type { Shapes } from './shapes.js';

/** Nodes that a chip's compiler runs as one: a convolution or product with the element-wise tail that follows it. */
export interface Kernel {
  /** The node that names the kernel: the one with MACs, else the first. */
  anchor: Node;
  nodes: Node[];
  macs: number;
  /** Operations besides the MACs. */
  operations: number;
  /** Scores of attention stay inside: products of activations with a softmax between them. */
  attention: boolean;
  /** Initializers that are read, once each. */
  constants: string[];
  /** Values from other kernels or graph inputs that are read, once each. */
  reads: string[];
  /** Values that other kernels or graph outputs read. */
  writes: string[];
}

export interface Lowering {
  kernels: Kernel[];
  /** The value whose bytes a name stands for, seen through views and Q/DQ. */
  root(name: string): string;
  graphInputs: Set<string>;
  graphOutputs: Set<string>;
  /** Keys and values of earlier tokens: outputs that a Concat makes of an input and what this run adds, by that part. */
  caches: Map<string, string>;
  /** Views that a library of kernels calls one by one; a compiler calls none. */
  calledViews: number;
}

/**
 * Splits the graph into kernels as the chip's compiler does. An element-wise node joins the last kernel that makes one
 * of its inputs; views, Q/DQ and caches that grow cost nothing. `fusion` adds what only some compilers do. A library joins
 * what it has kernels for.
 */
export function lower(
  model: Model,
  shapes: Shapes,
  fusion: readonly Fusion[] = [],
  library?: Library,
): Lowering {
  const { graph } = model;
  const constants = new Set(graph.initializers.map((t) => t.name ?? ''));
  const working = graph.nodes.filter((node) => !isOp(node, ...CONSTANT_OPERATORS));
  for (const node of graph.nodes) if (!working.includes(node)) for (const o of node.outputs) constants.add(o);
  const alias = new Map<string, string>();
  const root = (name: string): string => alias.get(name) ?? name;
  const caches = growingCaches(model);
  const isView = (node: Node): boolean =>
    (VIEW_OPERATORS.has(node.opType) && isOp(node, node.opType)) ||
    (fusion.includes('transpose') && isOp(node, 'Transpose', 'Expand')) ||
    caches.has(node.outputs[0]);
  for (const node of working)
    if (isView(node) && !caches.has(node.outputs[0])) alias.set(node.outputs[0], root(node.inputs[0]));
  const graphOutputs = new Set([...graph.outputs.map((v) => v.name), ...caches.values()].map(root));
  const counted = working.filter((node) => !isView(node));
  const builder = new KernelBuilder(root, constants, graphOutputs, counted, fusion, library);
  for (const node of counted) builder.place(node, shapes);
  const passed = builder.passed(shapes);
  for (const kernel of builder.kernels) builder.close(kernel, passed);
  const graphInputs = new Set(graph.inputs.map((v) => v.name));
  const views = working.filter((n) => RENAMING_OPERATORS.has(n.opType) && !constants.has(n.inputs[0]));
  const calledViews = library ? views.length : 0;
  return { kernels: builder.kernels, root, graphInputs, graphOutputs, caches, calledViews };
}

/** Concat(input, new) that is an output: engines write the new part in place and read the whole. */
function growingCaches({ graph }: Model): Map<string, string> {
  const inputs = new Set(graph.inputs.map((v) => v.name));
  const outputs = new Set(graph.outputs.map((v) => v.name));
  const caches = new Map<string, string>();
  for (const node of graph.nodes)
    if (isOp(node, 'Concat') && node.inputs.length === 2 && outputs.has(node.outputs[0]))
      if (inputs.has(node.inputs[0]) && !inputs.has(node.inputs[1]))
        caches.set(node.outputs[0], node.inputs[1]);
  return caches;
}

class KernelBuilder {
  readonly kernels: Kernel[] = [];
  private readonly readers = new Map<string, Set<Node>>();
  /** Index in `kernels` of the kernel that makes a value. */
  private readonly maker = new Map<string, number>();

  private readonly producer = new Map<string, Node>();

  /** Index of the kernel that multiplies a value by a weight. */
  private readonly multiplier = new Map<string, number>();

  constructor(
    private readonly root: (name: string) => string,
    private readonly constants: Set<string>,
    private readonly graphOutputs: Set<string>,
    nodes: Node[],
    private readonly fusion: readonly Fusion[],
    private readonly library: Library | undefined,
  ) {
    for (const node of nodes) {
      for (const output of node.outputs) this.producer.set(output, node);
      for (const name of this.inputs(node)) {
        const readers = this.readers.get(name);
        if (readers) readers.add(node);
        else this.readers.set(name, new Set([node]));
      }
    }
  }

  /** Roots of everything that a node reads, captures of its bodies included. */
  private inputs(node: Node): string[] {
    const captured = subgraphs(node).flatMap((g) => [...freeNames(g)]);
    return [...node.inputs, ...captured].filter((name) => name !== '').map(this.root);
  }

  place(node: Node, shapes: Shapes): void {
    let index = this.joins(node, shapes);
    if (index === undefined) {
      index = this.kernels.length;
      this.kernels.push(emptyKernel(node));
    }
    const kernel = this.kernels[index];
    if (macRule(node)) {
      kernel.attention ||= kernel.macs > 0 && this.multipliesActivations(node);
      kernel.anchor = node;
    }
    kernel.nodes.push(node);
    kernel.macs += nodeMacs(node, shapes);
    kernel.operations += nodeOperations(node, shapes);
    for (const output of node.outputs) this.maker.set(output, index);
  }

  /**
   * The kernel that a node becomes a part of: the last of those that make its inputs, since everything else that it
   * reads is ready by then.
   */
  private joins(node: Node, shapes: Shapes): number | undefined {
    const sibling = this.sibling(node);
    if (sibling !== undefined) return sibling;
    const makers = this.inputs(node).flatMap((name) => this.maker.get(name) ?? []);
    if (makers.length === 0) return undefined;
    const last = Math.max(...makers);
    const kernel = this.kernels[last];
    if (isFusible(node))
      return this.hasKernel(node, kernel) && this.isTail(node, last, shapes) ? last : undefined;
    if (isOp(node, ...ROW_OPERATORS)) {
      const scores = this.fusion.includes('attention') && this.multipliesActivations(kernel.anchor);
      return (this.fusion.includes('rows') && kernel.macs === 0) || scores ? last : undefined;
    }
    return this.isAttention(node, kernel) ? last : undefined;
  }

  /** Whether a library computes a node with the kernel before it: after a product, or x · sigmoid(x). */
  private hasKernel(node: Node, { anchor, macs }: Kernel): boolean {
    if (!this.library) return true;
    if (macs > 0) return isOp(node, ...this.library.epilogues);
    return isOp(node, 'Mul') && isOp(anchor, 'Sigmoid') && node.inputs.includes(anchor.inputs[0]);
  }

  /**
   * An element-wise node runs on the tiles that a kernel has at hand: it is no larger than what the kernel makes, and
   * what it reads of that is not wanted elsewhere, since a kernel writes its last value.
   */
  private isTail(node: Node, index: number, shapes: Shapes): boolean {
    const own = this.inputs(node).filter((name) => this.maker.get(name) === index);
    const made = Math.max(...own.map((name) => shapes.count(name)));
    if (shapes.count(node.outputs[0]) > made) return false;
    return own.every((name) => [...(this.readers.get(name) ?? [])].every((r) => this.staysIn(r, index)));
  }

  /** Element-wise, of values that the kernel makes or that are made of them on the way. */
  private staysIn(node: Node, index: number): boolean {
    if (!isFusible(node)) return false;
    return this.inputs(node).every((name) => {
      const maker = this.maker.get(name);
      if (maker !== undefined) return maker <= index;
      const producer = this.producer.get(name);
      return producer === undefined || this.staysIn(producer, index);
    });
  }

  /** The kernel that multiplies the same input by another weight; from then on this kernel does both. */
  private sibling(node: Node): number | undefined {
    const rule = macRule(node);
    if (!this.fusion.includes('siblings') || !rule || !isOp(node, 'MatMul', 'Gemm')) return undefined;
    if (this.multipliesActivations(node)) return undefined;
    const input = this.root(node.inputs[rule.left]);
    const index = this.multiplier.get(input);
    if (index === undefined) this.multiplier.set(input, this.kernels.length);
    return index;
  }

  /** The second product of attention: what a softmax gave, times values. */
  private isAttention(node: Node, kernel: Kernel): boolean {
    return (
      this.fusion.includes('attention') &&
      isOp(node, 'MatMul') &&
      isOp(kernel.nodes.at(-1), 'Softmax') &&
      this.multipliesActivations(kernel.anchor) &&
      this.multipliesActivations(node)
    );
  }

  private multipliesActivations(node: Node): boolean {
    const rule = macRule(node);
    return (
      rule !== undefined && isOp(node, 'MatMul') && !this.constants.has(this.root(node.inputs[rule.right]))
    );
  }

  /** Values between two 1×1 convolutions that nobody else reads. */
  passed(shapes: Shapes): Set<string> {
    if (!this.fusion.includes('pointwise')) return new Set();
    const names = this.kernels
      .filter((k) => isPointwise(k.anchor, shapes))
      .flatMap((k) => k.nodes.at(-1)!.outputs);
    return new Set(
      names.filter((name) => {
        const readers = [...(this.readers.get(name) ?? [])];
        return !this.graphOutputs.has(name) && readers.length === 1 && isPointwise(readers[0], shapes);
      }),
    );
  }

  /** Lists what a finished kernel reads and writes; `passed` never leaves the tiles. */
  close(kernel: Kernel, passed: ReadonlySet<string>): void {
    const own = new Set(kernel.nodes);
    const counts = (name: string) => name !== '' && !passed.has(name);
    const made = new Set(kernel.nodes.flatMap((n) => n.outputs).filter(counts));
    const inner = new Set(kernel.nodes.flatMap((n) => n.outputs));
    const read = new Set(kernel.nodes.flatMap((n) => this.inputs(n)).filter((name) => !inner.has(name)));
    kernel.constants = [...read].filter((name) => this.constants.has(name));
    kernel.reads = [...read].filter((name) => !this.constants.has(name) && counts(name));
    kernel.writes = [...made].filter(
      (name) =>
        this.graphOutputs.has(name) || [...(this.readers.get(name) ?? [])].some((reader) => !own.has(reader)),
    );
  }
}

const isFusible = (node: Node): boolean =>
  Object.hasOwn(FUSIBLE_OPERATORS, node.opType) && isOp(node, node.opType);

/** A convolution that needs no neighbours of a position. */
function isPointwise(node: Node, shapes: Shapes): boolean {
  if (!isOp(node, 'Conv')) return false;
  const [, , ...window] = shapes.dims(node.inputs[1]) ?? [];
  const steps = intsAttribute(node, 'strides') ?? [];
  return window.length > 0 && [...window, ...steps].every((n) => n === 1);
}

const emptyKernel = (anchor: Node): Kernel => ({
  anchor,
  nodes: [],
  macs: 0,
  operations: 0,
  attention: false,
  constants: [],
  reads: [],
  writes: [],
});
