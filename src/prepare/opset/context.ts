import type { Diagnostic } from '../../errors.js';
import { allGraphs } from '../../ir/graph.js';
import type { Graph, Node, Tensor } from '../../ir/model.js';
import { Scope } from './facts.js';
import type { Context } from './types.js';

/** What all graphs of one model share during an upgrade. */
export interface Shared {
  to: number;
  fresh: (hint: string) => string;
  diagnostics: Diagnostic[];
  /** Every value name that something reads, anywhere in the model. */
  used: Set<string>;
}

/** Every name that a node or a graph output reads, nested graphs included. */
export function readNames(graph: Graph): Set<string> {
  const names = new Set<string>();
  for (const g of allGraphs(graph)) {
    for (const output of g.outputs) names.add(output.name);
    for (const node of g.nodes) for (const input of node.inputs) names.add(input);
  }
  return names;
}

/** The adapters' view of one graph. */
export class GraphContext implements Context {
  readonly scope: Scope;

  constructor(
    private readonly graph: Graph,
    private readonly shared: Shared,
    outer?: Scope,
  ) {
    this.scope = new Scope(graph, outer);
  }

  get to(): number {
    return this.shared.to;
  }

  fresh(hint: string): string {
    return this.shared.fresh(hint);
  }

  constant(hint: string, tensor: Tensor): string {
    const name = this.shared.fresh(hint);
    this.graph.initializers.push({ ...tensor, name });
    this.scope.defineConstant(name, tensor);
    return name;
  }

  constantOf(name: string) {
    return this.scope.constantOf(name);
  }

  dtypeOf(name: string) {
    return this.scope.dtypeOf(name);
  }

  shapeOf(name: string) {
    return this.scope.shapeOf(name);
  }

  isUsed(name: string): boolean {
    return this.shared.used.has(name);
  }

  warn(code: string, message: string, node: Node): void {
    this.shared.diagnostics.push({
      level: 'warning',
      code,
      message,
      where: { node: node.name || node.outputs[0] },
    });
  }
}
