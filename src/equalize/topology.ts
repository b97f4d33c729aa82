import { dtypeName } from '../ir/dtypes.js';
import { isOp, links, normalDomain } from '../ir/graph.js';
import { linearLayout } from '../ir/layout.js';
import type { Model, Node, Tensor } from '../ir/model.js';
import type { ValueMeta } from '../runtime/types.js';
import { Classes } from './classes.js';
import { NORMALISATIONS, RULES, type Scene } from './rules.js';
import type { Addend, Bounded, Linear, Slot, Topology } from './types.js';

/**
 * Which channels of which values can be rescaled without changing what the network computes: those that linear
 * operators and normalisations write, that pass only operators which commute with a positive factor, and that linear
 * operators read. Everything else that touches a value pins it.
 * @param types types and shapes by value name, with the sizes that samples have
 */
export function topologyOf(model: Model, types: ReadonlyMap<string, ValueMeta>): Topology {
  const walk = new Walk(model, types);
  for (const node of model.graph.nodes) walk.visit(node);
  return walk.finish();
}

/** Operators that settle what becomes of each of their inputs; the others speak of the first alone. */
const JOINING = ['Add', 'Mul', 'Div', 'Concat'];

class Walk implements Scene {
  readonly classes = new Classes();
  readonly constants: Map<string, Tensor>;
  private readonly slots = new Map<string, Slot>();
  private readonly linears: Linear[] = [];
  private readonly addends: Addend[] = [];
  private readonly bounds: Bounded[] = [];
  private readonly links;

  constructor(
    model: Model,
    private readonly types: ReadonlyMap<string, ValueMeta>,
  ) {
    this.links = links(model.graph);
    const fixed = model.graph.initializers.filter((t) => !this.links.inputs.has(t.name ?? ''));
    this.constants = new Map(fixed.map((t) => [t.name ?? '', t]));
  }

  slot(tensor: string): Slot | undefined {
    return this.slots.get(tensor);
  }

  dims(tensor: string): number[] | undefined {
    const dims = this.types.get(tensor)?.dims;
    return dims?.every((d) => typeof d === 'number' && d >= 0) ? (dims as number[]) : undefined;
  }

  put(tensor: string, axis: number, classes: Int32Array): Slot {
    const slot = { tensor, axis, rank: this.dims(tensor)?.length ?? axis + 1, classes: classes.slice() };
    this.slots.set(tensor, slot);
    return slot;
  }

  addend(node: Node, input: number, slot: Slot): void {
    this.addends.push({ node, input, slot });
  }

  bounded(node: Node, slot: Slot, low: number, high: number): void {
    this.bounds.push({ node, slot, low, high });
  }

  visit(node: Node): void {
    if (this.linear(node) || this.normalisation(node)) return;
    const rule = normalDomain(node.domain) === '' ? RULES.get(node.opType) : undefined;
    const passed = rule?.(node, this);
    if (passed && JOINING.includes(node.opType)) return;
    for (const name of node.inputs.slice(passed ? 1 : 0)) this.pin(name);
  }

  pin(tensor: string): void {
    const slot = this.slots.get(tensor);
    if (slot) this.classes.pin(slot.classes);
  }

  private floats(name: string | undefined): Tensor | undefined {
    const tensor = this.constants.get(name ?? '');
    return tensor && dtypeName(tensor.dataType) === 'float32' ? tensor : undefined;
  }

  private linear(node: Node): boolean {
    const weight = this.floats(node.inputs[1]);
    const layout = weight && linearLayout(node, weight.dims);
    if (!layout) return false;
    const linear: Linear = { node, weight: node.inputs[1], layout };
    this.linears.push(linear);
    this.read(linear);
    const bias = node.inputs[2];
    if (!bias || this.isRow(bias, layout.outputs * layout.groups)) this.write(linear, bias);
    return true;
  }

  private isRow(name: string, channels: number): boolean {
    const dims = this.floats(name)?.dims;
    return dims?.at(-1) === channels && dims.slice(0, -1).every((d) => d === 1);
  }

  private read(linear: Linear): void {
    const [data] = linear.node.inputs;
    const slot = this.slots.get(data);
    if (!slot) return;
    const rank = this.dims(data)?.length;
    const axis = isOp(linear.node, 'MatMul') ? (rank ?? 0) - 1 : 1;
    const turned =
      isOp(linear.node, 'Gemm') && linear.node.attributes.some((a) => a.name === 'transA' && a.i);
    if (slot.axis === axis && !turned && slot.classes.length === linear.layout.inputs * linear.layout.groups)
      linear.input = slot;
    else this.classes.pin(slot.classes);
  }

  private write(linear: Linear, bias: string | undefined): void {
    const [output] = linear.node.outputs;
    const rank = this.dims(output)?.length;
    if (rank === undefined) return;
    const axis = isOp(linear.node, 'MatMul') ? rank - 1 : 1;
    const { outputs, groups } = linear.layout;
    linear.output = this.put(output, axis, this.classes.fresh(outputs * groups));
    if (bias) this.addend(linear.node, 2, linear.output);
  }

  private normalisation(node: Node): boolean {
    const rank = this.dims(node.outputs[0])?.length;
    const axisOf = normalDomain(node.domain) === '' ? NORMALISATIONS.get(node.opType) : undefined;
    const gain = this.floats(node.inputs[1]);
    const axis = rank !== undefined && gain?.dims.length === 1 ? axisOf?.(node, rank) : undefined;
    if (axis === undefined) return false;
    const others = node.inputs.slice(2, 3).filter((name) => name);
    if (!others.every((name) => this.isRow(name, gain!.dims[0]))) return false;
    for (const name of node.inputs) this.pin(name);
    const slot = this.put(node.outputs[0], axis, this.classes.fresh(gain!.dims[0]));
    this.addend(node, 1, slot);
    if (others.length > 0) this.addend(node, 2, slot);
    return true;
  }

  finish(): Topology {
    for (const slot of this.slots.values()) {
      const { outputs, captured } = this.links;
      if (outputs.has(slot.tensor) || captured.has(slot.tensor)) this.classes.pin(slot.classes);
      this.classes.settle(slot);
    }
    const { slots, linears, addends, bounds, classes } = this;
    return {
      slots,
      linears,
      addends,
      bounded: bounds,
      size: classes.size,
      isPinned: (id) => classes.isPinned(id),
    };
  }
}
