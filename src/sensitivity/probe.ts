import { dtypeNumber } from '../ir/dtypes.js';
import {
  cloneModel,
  freeNames,
  isOp,
  links,
  makeAttribute,
  makeNode,
  nameAllocator,
  subgraphs,
  usedNames,
} from '../ir/graph.js';
import type { Graph, Model, Node, Tensor, ValueInfo } from '../ir/model.js';
import { floatValues } from '../ir/tensor.js';
import type { WeightPlan } from '../plan/types.js';
import type { TensorValue } from '../runtime/types.js';

/** A model whose weights and activation grids are inputs, so that one session computes every mixture of them. */
export interface Probe {
  model: Model;
  /** Values of the added inputs at which the model is the float one. */
  float: Map<string, TensorValue>;
  /** Input that holds the weight of each plan; those inside If, Loop and Scan bodies have none. */
  weights: Map<WeightPlan, string>;
  /** Input that switches rounding on, by the tensor that is rounded. */
  switches: Map<string, string>;
  /** Tensor behind each rounded, or not rounded, view of it. */
  views: Map<string, string>;
}

/**
 * @param model the float model with Q/DQ pairs around its activations: each pair moves into the branch of an If
 * @param plans weights that become inputs
 */
export function probeOf(model: Model, plans: readonly WeightPlan[]): Probe {
  const copy = cloneModel(model);
  const fresh = nameAllocator(usedNames(copy.graph));
  const empty = { float: new Map(), weights: new Map(), switches: new Map(), views: new Map() };
  const probe: Probe = { model: copy, ...empty };
  for (const plan of plans) weightAsInput(probe, plan, fresh);
  switchPairs(probe, fresh);
  return probe;
}

/**
 * How far onnxruntime may optimise where weights are inputs: its last level joins a convolution with the sum behind it even
 * where the convolution's output is handed out, and ends the process.
 */
export const PROBE_LEVEL = 'extended';

export const inputOf = (name: string, dtype: 'float32' | 'bool', dims: number[]): ValueInfo => ({
  name,
  type: { tensor: { elemType: dtypeNumber(dtype), shape: { dims: dims.map((value) => ({ value })) } } },
});

function weightAsInput(probe: Probe, plan: WeightPlan, fresh: (wanted: string) => string): void {
  const { graph } = probe.model;
  const nodes = new Map(graph.nodes.map((n) => [n.name ?? '', n]));
  const tensor = graph.initializers.find((t) => t.name === plan.tensor);
  if (!tensor || !plan.uses.every((u) => nodes.get(u.node)?.inputs[u.input] === plan.tensor)) return;
  const name = fresh(`${plan.tensor}_varied`);
  for (const use of plan.uses) nodes.get(use.node)!.inputs[use.input] = name;
  graph.inputs.push(inputOf(name, 'float32', tensor.dims));
  probe.float.set(name, constantValue(tensor));
  probe.weights.set(plan, name);
}

export const constantValue = (tensor: Tensor): TensorValue => ({
  dtype: 'float32',
  dims: tensor.dims,
  data: floatValues(tensor),
});

/** QuantizeLinear → DequantizeLinear on a value that is no constant becomes If(switch, both, the value itself). */
function switchPairs(probe: Probe, fresh: (wanted: string) => string): void {
  const { graph } = probe.model;
  const { uses, initializer } = links(graph);
  const gone = new Set<Node>();
  const made = new Map<Node, Node>();
  for (const quantize of graph.nodes) {
    const [tensor] = quantize.inputs;
    const readers = uses.get(quantize.outputs[0]) ?? [];
    if (!isOp(quantize, 'QuantizeLinear') || initializer.has(tensor) || readers.length !== 1) continue;
    const dequantize = readers[0].node;
    if (!isOp(dequantize, 'DequantizeLinear')) continue;
    const name = fresh(`${tensor}_rounded`);
    gone.add(quantize);
    made.set(dequantize, choice(name, tensor, quantize, dequantize, fresh));
    graph.inputs.push(inputOf(name, 'bool', []));
    probe.float.set(name, OFF);
    probe.switches.set(tensor, name);
    probe.views.set(dequantize.outputs[0], tensor);
  }
  graph.nodes = graph.nodes.filter((n) => !gone.has(n)).map((n) => made.get(n) ?? n);
}

export const OFF: TensorValue = { dtype: 'bool', dims: [], data: Uint8Array.of(0) };
export const ON: TensorValue = { dtype: 'bool', dims: [], data: Uint8Array.of(1) };

/** Only the branch that is taken costs anything: rounding, or a copy. */
function choice(
  condition: string,
  tensor: string,
  quantize: Node,
  dequantize: Node,
  fresh: (wanted: string) => string,
): Node {
  const [rounded, same] = [fresh(`${tensor}_then`), fresh(`${tensor}_else`)];
  const branch = (nodes: Node[], output: string): Graph => ({
    ...EMPTY,
    name: output,
    nodes,
    outputs: [{ name: output, type: { tensor: { elemType: dtypeNumber('float32') } } }],
  });
  const attributes = [
    makeAttribute.graph('then_branch', branch([quantize, { ...dequantize, outputs: [rounded] }], rounded)),
    makeAttribute.graph('else_branch', branch([makeNode('Identity', [tensor], [same])], same)),
  ];
  return makeNode('If', [condition], [dequantize.outputs[0]], attributes, {
    name: fresh(`${tensor}_choice`),
  });
}

const EMPTY = { inputs: [], valueInfo: [], initializers: [], sparseInitializers: [] };

/** Values that a node reads, those that its branches capture included. */
export const readsOf = (node: Node): string[] => [
  ...node.inputs.filter((name) => name !== ''),
  ...subgraphs(node).flatMap((inner) => [...freeNames(inner)]),
];
