import { qualifiedType } from '../ir/graph.js';
import type { Node, Tensor } from '../ir/model.js';
import { findAdjoint } from './adjoints/index.js';
import type { Adjoint } from './adjoints/types.js';
import type { Builder } from './builder.js';

/** A forward graph with every size a number, nodes in order. */
export interface Forward {
  nodes: readonly Node[];
  dims(name: string): number[];
  constant(name: string): Tensor | undefined;
}

/** A node that no gradient passes, and why. */
export interface Cut {
  node: Node;
  reason: string;
}

export interface Backward {
  /** Gradient by value; those of `wanted` that the loss depends on through differentiable nodes are there. */
  gradients: Map<string, string>;
  cuts: Cut[];
}

/**
 * Reverse-mode differentiation from graph to graph: writes nodes that compute the gradients of a loss by the values
 * `wanted`. Only values between those and the loss are gone through.
 * @param seeds gradient of the loss by the outputs that it is made of
 */
export function backward(
  b: Builder,
  forward: Forward,
  seeds: ReadonlyMap<string, string>,
  wanted: Iterable<string>,
): Backward {
  const active = new Set(wanted);
  const rules = new Map<Node, Adjoint>();
  const cuts: Cut[] = [];
  for (const node of forward.nodes) {
    if (!node.inputs.some((name) => active.has(name))) continue;
    const rule = ruleOf(node, forward);
    if (typeof rule === 'string') cuts.push({ node, reason: rule });
    else {
      rules.set(node, rule);
      for (const output of node.outputs) active.add(output);
    }
  }
  const gradients = new Gradients(b, seeds);
  for (const node of [...rules.keys()].reverse()) take(b, forward, node, rules.get(node)!, active, gradients);
  return { gradients: gradients.all(), cuts };
}

function ruleOf(node: Node, { dims, constant }: Forward): Adjoint | string {
  const rule = findAdjoint(qualifiedType(node));
  if (!rule) return `${qualifiedType(node)} has no gradient here`;
  const wants = () => true;
  return rule.refuses?.({ node, dims, constant, wants }) ?? rule;
}

function take(
  b: Builder,
  { dims, constant }: Forward,
  node: Node,
  rule: Adjoint,
  active: ReadonlySet<string>,
  known: Gradients,
): void {
  const gradients = node.outputs.map((name) => known.of(name));
  if (gradients.every((g) => g === undefined)) return;
  const wants = (i: number) => active.has(node.inputs[i] ?? '');
  const made = rule.back({ b, node, gradients, dims, constant, wants });
  made.forEach((gradient, i) => {
    if (gradient !== undefined && wants(i)) known.add(node.inputs[i], gradient);
  });
}

/** Gradients that come to a value from several readers add up. */
class Gradients {
  private readonly parts = new Map<string, string[]>();

  constructor(
    private readonly b: Builder,
    seeds: ReadonlyMap<string, string>,
  ) {
    for (const [name, gradient] of seeds) this.add(name, gradient);
  }

  add(name: string, gradient: string): void {
    const parts = this.parts.get(name);
    if (parts) parts.push(gradient);
    else this.parts.set(name, [gradient]);
  }

  of(name: string): string | undefined {
    const parts = this.parts.get(name);
    if (!parts) return undefined;
    const sum = parts.length === 1 ? parts[0] : this.b.op('Sum', parts);
    this.parts.set(name, [sum]);
    return sum;
  }

  all(): Map<string, string> {
    return new Map([...this.parts.keys()].map((name) => [name, this.of(name)!]));
  }
}
