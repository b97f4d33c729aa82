import { type Links, links, normalDomain } from '../../ir/graph.js';
import type { Model, Node } from '../../ir/model.js';
import type { ValueMeta } from '../../runtime/types.js';
import type { Slot, Topology } from '../types.js';
import { type Bias, biasOf } from './bias.js';
import { OFFSET_RULES, readsWhole } from './rules.js';

/** What becomes of offsets on their way through the graph. `T` is numbers, or the biases that gave them up. */
export interface Visitor<T extends {}> {
  /** What the bias gives up; undefined for nothing. */
  start(bias: Bias): T | undefined;
  /** Each channel becomes `run` in a row. */
  repeat(value: T, run: number): T;
  /** Values joined along their channels; those without a value have no offsets. */
  join(parts: { value: T | undefined; channels: number }[]): T;
  /** It passes an operator that clips at zero, and at `high`. */
  clip(value: T, high: number): void;
  /** It ends in the bias behind W·x. */
  absorb(value: T, bias: Bias): void;
  /** It meets an operator that it does not pass, or an output of the graph. */
  refuse(value: T): void;
}

/**
 * Follows what is taken out of biases, x' = x − c with one c a channel, through operators with f(x − c) = f(x) − c to
 * linear operators, whose biases take W·c.
 * @returns the offsets of each value that has any
 */
export function walk<T extends {}>(
  model: Model,
  types: ReadonlyMap<string, ValueMeta>,
  topology: Topology,
  visitor: Visitor<T>,
): Map<string, T> {
  return new Walk(model, types, topology, visitor).run();
}

class Walk<T extends {}> {
  private readonly flow = new Map<string, T>();
  private readonly links: Links;
  /** By linear operator, and by the value behind the bias. */
  private readonly readers: Map<Node, Bias>;
  private readonly writers: Map<string, Bias>;

  constructor(
    private readonly model: Model,
    private readonly types: ReadonlyMap<string, ValueMeta>,
    private readonly topology: Topology,
    private readonly visitor: Visitor<T>,
  ) {
    this.links = links(model.graph);
    const biases = topology.linears.flatMap((linear) => biasOf(linear, topology, this.links) ?? []);
    this.readers = new Map(biases.map((bias) => [bias.linear.node, bias]));
    this.writers = new Map(biases.map((bias) => [bias.tensor, bias]));
  }

  run(): Map<string, T> {
    const { flow, visitor } = this;
    const { outputs, captured } = this.links;
    for (const node of this.model.graph.nodes) {
      const carried = node.inputs.some((name) => flow.has(name));
      if (carried && !this.absorbed(node) && !this.passed(node))
        for (const name of node.inputs) if (flow.has(name)) visitor.refuse(flow.get(name)!);
      const bias = this.writers.get(node.outputs[0]);
      const given = bias && visitor.start(bias);
      if (given !== undefined) flow.set(node.outputs[0], given);
    }
    for (const [name, value] of flow) if (outputs.has(name) || captured.has(name)) visitor.refuse(value);
    return flow;
  }

  private absorbed(node: Node): boolean {
    const bias = this.readers.get(node);
    if (!bias?.linear.input || !readsWhole(node, bias.linear.layout.kernel)) return false;
    this.visitor.absorb(this.flow.get(node.inputs[0])!, bias);
    return true;
  }

  private passed(node: Node): boolean {
    const to = this.topology.slots.get(node.outputs[0]);
    const value = to && normalDomain(node.domain) === '' ? this.through(node, to) : undefined;
    if (value !== undefined) this.flow.set(node.outputs[0], value);
    return value !== undefined;
  }

  private through(node: Node, to: Slot): T | undefined {
    if (node.opType === 'Concat') return this.join(node, to);
    const value = this.flow.get(node.inputs[0]);
    const from = this.topology.slots.get(node.inputs[0]);
    const constant = (name: string | undefined) => this.links.initializer.get(name ?? '');
    const rule = OFFSET_RULES.get(node.opType)?.(node, constant);
    if (value === undefined || !from || !rule) return undefined;
    if (rule !== true) this.visitor.clip(value, rule.high);
    const run = to.classes.length / from.classes.length;
    return run === 1 ? value : this.visitor.repeat(value, run);
  }

  private join(node: Node, { axis }: Slot): T {
    const channels = (name: string) => Number(this.types.get(name)?.dims[axis]);
    return this.visitor.join(
      node.inputs.map((name) => ({ value: this.flow.get(name), channels: channels(name) })),
    );
  }
}
