import { freeNames, isOp, subgraphs } from '../ir/graph.js';
import type { Model, Node } from '../ir/model.js';
import { macRule, nodeMacs, nodeOperations } from './macs.js';
import { CONSTANT_OPERATORS, FUSIBLE_OPERATORS, VIEW_OPERATORS } from './operators.js';
import type { Shapes } from './shapes.js';

/** Nodes that a chip's compiler runs as one: a convolution or product with the element-wise tail that follows it. */
export interface Kernel {
  /** The node that names the kernel: the one with MACs, else the first. */
  anchor: Node;
  nodes: Node[];
  macs: number;
  /** Operations besides the MACs. */
  operations: number;
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
}

/**
 * Splits the graph into kernels. Fusion, the same for every chip so far: an element-wise node joins the kernel that
 * makes one of its inputs when nobody else reads that input; views and Q/DQ cost nothing.
 */
export function lower(model: Model, shapes: Shapes): Lowering {
  const { graph } = model;
  const alias = new Map<string, string>();
  const root = (name: string): string => alias.get(name) ?? name;
  const working = graph.nodes.filter((node) => !isOp(node, ...CONSTANT_OPERATORS));
  for (const node of working)
    if (isOp(node, ...VIEW_OPERATORS)) alias.set(node.outputs[0], root(node.inputs[0]));
  const graphOutputs = new Set(graph.outputs.map((v) => root(v.name)));
  const counted = working.filter((node) => !isOp(node, ...VIEW_OPERATORS));
  const constants = new Set(graph.initializers.map((t) => t.name ?? ''));
  for (const node of graph.nodes) if (!working.includes(node)) for (const o of node.outputs) constants.add(o);
  const builder = new KernelBuilder(root, constants, graphOutputs, counted);
  const kernels = counted.reduce<Kernel[]>((all, node) => builder.place(all, node, shapes), []);
  for (const kernel of kernels) builder.close(kernel);
  return { kernels, root, graphInputs: new Set(graph.inputs.map((v) => v.name)), graphOutputs };
}

class KernelBuilder {
  private readonly readers = new Map<string, Set<Node>>();
  private readonly maker = new Map<string, Kernel>();

  constructor(
    private readonly root: (name: string) => string,
    private readonly constants: Set<string>,
    private readonly graphOutputs: Set<string>,
    nodes: Node[],
  ) {
    for (const node of nodes)
      for (const name of this.inputs(node)) {
        const readers = this.readers.get(name);
        if (readers) readers.add(node);
        else this.readers.set(name, new Set([node]));
      }
  }

  /** Roots of everything that a node reads, captures of its bodies included. */
  private inputs(node: Node): string[] {
    const captured = subgraphs(node).flatMap((g) => [...freeNames(g)]);
    return [...node.inputs, ...captured].filter((name) => name !== '').map(this.root);
  }

  place(kernels: Kernel[], node: Node, shapes: Shapes): Kernel[] {
    const joined = isOp(node, ...Object.keys(FUSIBLE_OPERATORS)) ? this.openKernel(node) : undefined;
    const kernel = joined ?? {
      anchor: node,
      nodes: [],
      macs: 0,
      operations: 0,
      constants: [],
      reads: [],
      writes: [],
    };
    if (!joined) kernels.push(kernel);
    kernel.nodes.push(node);
    if (macRule(node)) kernel.anchor = node;
    kernel.macs += nodeMacs(node, shapes);
    kernel.operations += nodeOperations(node, shapes);
    for (const output of node.outputs) this.maker.set(output, kernel);
    return kernels;
  }

  /** The kernel whose last value only this node reads. */
  private openKernel(node: Node): Kernel | undefined {
    for (const name of this.inputs(node)) {
      const kernel = this.maker.get(name);
      const last = kernel?.nodes.at(-1)?.outputs[0];
      if (kernel && last === name && this.readers.get(name)?.size === 1 && !this.graphOutputs.has(name))
        return kernel;
    }
    return undefined;
  }

  /** Lists what a finished kernel reads and writes. */
  close(kernel: Kernel): void {
    const own = new Set(kernel.nodes);
    const made = new Set(kernel.nodes.flatMap((n) => n.outputs).filter((name) => name !== ''));
    const read = new Set(kernel.nodes.flatMap((n) => this.inputs(n)).filter((name) => !made.has(name)));
    kernel.constants = [...read].filter((name) => this.constants.has(name));
    kernel.reads = [...read].filter((name) => !this.constants.has(name));
    kernel.writes = [...made].filter(
      (name) =>
        this.graphOutputs.has(name) || [...(this.readers.get(name) ?? [])].some((reader) => !own.has(reader)),
    );
  }
}
