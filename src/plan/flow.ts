import { findFormat } from '../../kernels/formats.js';
import type { Target } from '../../targets/types.js';
import { type Links, links } from '../ir/graph.js';
import type { Graph, Model, Node } from '../ir/model.js';
import type { ValueMeta } from '../runtime/types.js';
import { narrowActivations } from './ends.js';
import { activationRule, FUSED_ACTIVATIONS, type OperatorRule } from './rules/index.js';
import { activationsOn } from './scheme.js';
import { forTensorrt, placePairs, unsuitedProductOf } from './tensorrt.js';
import type { Scheme } from './types.js';
import type { Writing } from './writing.js';

/** What the decisions are made from. `keepFloat`: names of nodes that the user wants in float. */
export interface PlanInput {
  model: Model;
  types: Map<string, ValueMeta>;
  scheme: Scheme;
  target: Target;
  keepFloat: Set<string>;
  /** How weights are rounded and written; by default as the scheme alone says. */
  writing?: Writing;
  /** Nodes whose weights have other formats than the scheme says, with the reason. */
  formats?: ReadonlyMap<string, LayerFormat>;
  /** Tensors on grids of 16 bits where the others have 8; all that share a scale, or none of them. */
  wide?: ReadonlySet<string>;
  /** Why some of them stay in float; else because someone asked. */
  floatReasons?: ReadonlyMap<string, string>;
  /** Tensors that must not be quantized, with the reason. */
  unfit?: ReadonlyMap<string, string>;
}

/** How one node's weights are stored where each layer has its own. */
export interface LayerFormat extends Pick<Scheme, 'weights' | 'granularity'> {
  reason: string;
}

/** A node that could compute in integers, with the inputs that carry activations. */
export interface Candidate {
  node: Node;
  rule: OperatorRule;
  activations: string[];
}

export interface Flow {
  graph: Graph;
  links: Links;
  candidates: Map<Node, Candidate>;
  /** Why each other node stays in float. */
  refused: Map<Node, string>;
  /** Fused activation (Relu, Clip) → the node that it is fused behind. */
  fusedBehind: Map<Node, Node>;
  /** Tensors that will be quantized. */
  quantized: Set<string>;
  /** Nodes that will compute in integers. */
  integer: Set<Node>;
  /** Why, where it is not for what the operator's rule says. */
  notes: Map<Node, string>;
  /** What must share a scale: inputs and outputs of each. */
  tied: Candidate[];
}

/**
 * Decides which tensors are quantized and which nodes compute in integers:
 * linear operators want their activations quantized; followers and same-scale operators join when everything they
 * read can be quantized and something behind them wants it; what only leads to the outputs stays float.
 */
export function decideFlow(input: PlanInput): Flow {
  const { graph } = input.model;
  const flow: Flow = {
    graph,
    links: links(graph),
    candidates: new Map(),
    refused: new Map(),
    fusedBehind: new Map(),
    quantized: new Set(),
    integer: new Set(),
    notes: new Map(),
    tied: [],
  };
  collectCandidates(flow, input);
  if (!findFormat(activationsOn(input.scheme, input.target))) return flow;
  findFused(flow);
  if (forTensorrt(input)) {
    placePairs(flow, linear(flow));
    settleFused(flow);
    return flow;
  }
  const wantedByLinear = activationsOfLinear(flow);
  const possible = possibleTensors(flow, wantedByLinear);
  for (const tensor of input.unfit?.keys() ?? []) possible.delete(tensor);
  const wanted = wantedTensors(flow, wantedByLinear, possible);
  for (const tensor of possible) if (wanted.has(tensor)) flow.quantized.add(tensor);
  // No kernel multiplies fewer bits than 8 and writes just them.
  if (input.target.kernelOutputs === 'integer' && !narrowActivations(input)) addKernelOutputs(flow, possible);
  settleNodes(flow);
  return flow;
}

function collectCandidates(flow: Flow, input: PlanInput): void {
  for (const node of flow.graph.nodes) {
    const rule = activationRule(node);
    const activations = rule ? activationInputs(node, rule, flow) : [];
    const refusal = rule ? refuse(node, rule, activations, flow, input) : 'no integer form of this operator';
    if (refusal) flow.refused.set(node, refusal);
    else flow.candidates.set(node, { node, rule: rule!, activations });
  }
}

/** Inputs that carry activations: the rule's, less the one that is a constant weight. */
function activationInputs(node: Node, rule: OperatorRule, flow: Flow): string[] {
  const positions = rule.activations ?? node.inputs.map((_, i) => i);
  const names = positions.map((i) => node.inputs[i]).filter((name) => name);
  const weight = rule.weights
    ?.map((w) => node.inputs[w.input])
    .find((name) => flow.links.initializer.has(name));
  return names.filter((name) => name !== weight);
}

function refuse(
  node: Node,
  rule: OperatorRule,
  activations: string[],
  flow: Flow,
  input: PlanInput,
): string | undefined {
  const { target, types } = input;
  if (input.keepFloat.has(node.name ?? ''))
    return input.floatReasons?.get(node.name ?? '') ?? 'kept in float as asked';
  const moves = rule.kind === 'sameScale' || FUSED_ACTIVATIONS.includes(node.opType as never);
  if (!moves && !target.integerOperators.includes('*') && !target.integerOperators.includes(node.opType))
    return `${target.name} computes ${node.opType} in ${target.floatFormat}`;
  if (activations.length === 0) return 'reads constants only';
  // Narrow activations are there to be multiplied: sums and averages have no products to save, and lose as much (LSQ rounds
  // what convolutions and products read, and nothing else).
  const narrow = rule.kind === 'follower' && !moves ? narrowActivations(input) : undefined;
  if (narrow) return `sums and averages are not computed in ${narrow.bits} bits`;
  const constant = activations.find((name) => flow.links.initializer.has(name));
  if (constant)
    return `operand "${constant}" is a constant: cheaper in float than quantized as an activation`;
  const odd = activations.find((name) => types.get(name)?.dtype !== 'float32');
  if (odd) return `"${odd}" is ${types.get(odd)?.dtype ?? 'of unknown type'}, not float32`;
  const unfit = activations.find((name) => input.unfit?.has(name));
  if (unfit) return `"${unfit}": ${input.unfit!.get(unfit)}`;
  if (rule.weights && rule.activations) {
    const missing = rule.weights.find(
      (w) => !rule.activations!.includes(w.input) && !flow.links.initializer.has(node.inputs[w.input]),
    );
    if (missing) return 'its weights are computed at run time';
  }
  const unless = rule.unless?.(node);
  if (unless || rule.kind !== 'linear' || !forTensorrt(input)) return unless;
  return unsuitedProductOf(node, flow, input);
}

/** A Relu or Clip that alone reads an integer kernel's output is applied by that kernel before it rounds. */
function findFused(flow: Flow): void {
  for (const { node, rule } of flow.candidates.values()) {
    if (rule.kind === 'sameScale' || FUSED_ACTIVATIONS.includes(node.opType as never)) continue;
    let last = node;
    for (;;) {
      const next = onlyReader(flow, last.outputs[0]);
      if (!next || !flow.candidates.has(next) || !FUSED_ACTIVATIONS.includes(next.opType as never)) break;
      flow.fusedBehind.set(next, node);
      last = next;
    }
  }
}

export function onlyReader(flow: Flow, tensor: string): Node | undefined {
  const uses = flow.links.uses.get(tensor) ?? [];
  if (uses.length !== 1 || flow.links.outputs.has(tensor) || flow.links.captured.has(tensor))
    return undefined;
  return uses[0].node;
}

/** The tensor at which a kernel's result is rounded: its output, or that of the activation fused behind it. */
function roundingPoint(flow: Flow, node: Node): string {
  let tensor = node.outputs[0];
  for (
    let next = onlyReader(flow, tensor);
    next && flow.fusedBehind.has(next);
    next = onlyReader(flow, tensor)
  )
    tensor = next.outputs[0];
  return tensor;
}

const kernels = (flow: Flow) => [...flow.candidates.values()].filter((c) => !flow.fusedBehind.has(c.node));
const linear = (flow: Flow) => kernels(flow).filter((c) => c.rule.kind === 'linear');

const activationsOfLinear = (flow: Flow): Set<string> => new Set(linear(flow).flatMap((c) => c.activations));

/** Outputs of a kernel that carry values on the same grid (all of a Split's, the first of a MaxPool's). */
const valueOutputs = (flow: Flow, c: Candidate): string[] =>
  c.node.opType === 'Split' ? c.node.outputs.filter((o) => o) : [roundingPoint(flow, c.node)];

/** Tensors that may be quantized: what linear operators read or make, and what joins them. In graph order. */
function possibleTensors(flow: Flow, wantedByLinear: Set<string>): Set<string> {
  const possible = new Set(wantedByLinear);
  for (const c of kernels(flow))
    if (c.rule.kind === 'linear' || c.activations.every((a) => possible.has(a)))
      for (const output of valueOutputs(flow, c)) possible.add(output);
  return possible;
}

/** Walks from the outputs back: a tensor is wanted when a linear operator reads it, or one that joins and is wanted. */
function wantedTensors(flow: Flow, wantedByLinear: Set<string>, possible: Set<string>): Set<string> {
  const wanted = new Set(wantedByLinear);
  for (const c of kernels(flow).reverse()) {
    if (c.rule.kind === 'linear' || !c.activations.every((a) => possible.has(a))) continue;
    if (valueOutputs(flow, c).some((o) => wanted.has(o))) for (const a of c.activations) wanted.add(a);
  }
  return wanted;
}

/** Convolutions that write integers only need a quantized output, except where only the model's outputs lie behind. */
function addKernelOutputs(flow: Flow, possible: Set<string>): void {
  const leads = leadsToLinear(flow);
  for (const c of linear(flow)) {
    const output = roundingPoint(flow, c.node);
    if (
      c.rule.output === 'always' &&
      possible.has(output) &&
      leads.has(output) &&
      !flow.links.outputs.has(output)
    )
      flow.quantized.add(output);
  }
}

/** Tensors from which a linear operator can be reached. */
function leadsToLinear(flow: Flow): Set<string> {
  const leads = new Set<string>();
  const anchors = new Set(linear(flow).map((c) => c.node));
  for (const node of [...flow.graph.nodes].reverse())
    if (anchors.has(node) || node.outputs.some((o) => leads.has(o)))
      for (const i of node.inputs) if (i) leads.add(i);
  return leads;
}

/** A kernel computes in integers when all it reads is quantized, and (unless linear) what it makes is too. */
function settleNodes(flow: Flow): void {
  for (const c of kernels(flow)) {
    const reads = c.activations.every((a) => flow.quantized.has(a));
    const makes = valueOutputs(flow, c).some((o) => flow.quantized.has(o));
    if (reads && (c.rule.kind === 'linear' || makes)) flow.integer.add(c.node);
    else
      flow.refused.set(
        c.node,
        reads ? 'nothing behind it computes in integers' : 'not all of its inputs are quantized',
      );
  }
  flow.tied = [...flow.candidates.values()].filter(
    (c) => c.rule.kind === 'sameScale' && flow.integer.has(c.node),
  );
  settleFused(flow);
}

function settleFused(flow: Flow): void {
  for (const [fused, behind] of flow.fusedBehind) {
    if (flow.integer.has(behind)) flow.integer.add(fused);
    else flow.refused.set(fused, `fused behind ${behind.opType} "${behind.name}", which stays float`);
  }
}
