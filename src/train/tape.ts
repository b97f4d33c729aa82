import { makeNode } from '../ir/graph.js';
import type { Attribute, Node } from '../ir/model.js';
import type { Builder } from './builder.js';

/** The forward graph while it is written: every node that gradients go through, and the sizes of what they make. */
export class Tape {
  readonly nodes: Node[] = [];

  constructor(
    readonly b: Builder,
    readonly sizes: Map<string, number[]>,
  ) {}

  dims = (name: string): number[] => this.sizes.get(name)!;

  /** A node of one output of sizes `dims`. */
  op(opType: string, inputs: string[], dims: number[], attributes: Attribute[] = []): string {
    const output = this.b.op(opType, inputs, attributes);
    this.nodes.push(this.b.nodes.at(-1)!);
    this.sizes.set(output, dims);
    return output;
  }

  /** A node that is there already. */
  keep(node: Node): void {
    this.b.nodes.push(node);
    this.nodes.push(node);
  }

  /** Stands for nodes that are written, but not gone through. */
  mark(opType: string, domain: string, inputs: string[], output: string, attributes: Attribute[]): void {
    this.nodes.push(makeNode(opType, inputs, [output], attributes, { domain }));
  }

  reshape(x: string, dims: number[]): string {
    return this.op('Reshape', [x, this.b.ints(dims)], dims);
  }
}
