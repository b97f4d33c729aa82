import { format } from '../../kernels/formats.js';
import {
  allGraphs,
  cloneModel,
  type Links,
  links,
  makeAttribute,
  makeNode,
  nameAllocator,
  normalDomain,
  usedNames,
} from '../ir/graph.js';
import type { Graph, Model, Node, Tensor } from '../ir/model.js';
import { floatTensor, makeTensor } from '../ir/tensor.js';
import type { ActivationPlan, Plan } from '../plan/types.js';
import type { Numbers, QuantizedBias, QuantizedWeight } from '../quantize/types.js';

/** Lowest IR version that a file with this ai.onnx opset may state (ONNX versioning table). */
const IR_FOR_OPSET: readonly [opset: number, ir: number][] = [
  [25, 13],
  [24, 12],
  [23, 11],
  [21, 10],
  [19, 9],
  [15, 8],
  [12, 7],
  [11, 6],
  [10, 5],
  [9, 4],
];

interface Editor {
  graph: Graph;
  fresh(wanted: string): string;
  /** Who made and read what before the edit; every input slot belongs to one value, so it stays true while slots move. */
  links: Links;
  /** Nodes to put behind a node, or at the start of the graph. */
  after: Map<Node, Node[]>;
  start: Node[];
}

/**
 * The hub format: standard-domain QuantizeLinear/DequantizeLinear around the float model (ONNX operators, opset 10+;
 * per axis 13+). Weights are stored as codes behind a DequantizeLinear; each quantized activation passes one
 * QuantizeLinear → DequantizeLinear pair. No node of the model is removed. Same plan and numbers, same bytes.
 */
export function emitQdq(model: Model, plan: Plan, numbers: Numbers): Model {
  const result = cloneModel(model);
  const fresh = nameAllocator(usedNames(result.graph));
  for (const graph of allGraphs(result.graph)) {
    const editor: Editor = { graph, fresh, links: links(graph), after: new Map(), start: [] };
    const nodes = new Map(graph.nodes.map((n) => [n.name ?? '', n]));
    for (const weight of numbers.weights) attachWeight(editor, nodes, weight);
    if (graph === result.graph) {
      for (const bias of numbers.biases) attachBias(editor, nodes, bias);
      const integer = new Set(plan.integer.map((i) => i.node));
      for (const activation of plan.activations) attachActivation(editor, activation, integer);
    }
    graph.nodes = weave(editor);
  }
  for (const graph of allGraphs(result.graph)) dropUnusedInitializers(graph, result.graph);
  stamp(result);
  return result;
}

function attachWeight(editor: Editor, nodes: Map<string, Node>, weight: QuantizedWeight): void {
  const uses = weight.plan.uses.filter((u) => nodes.has(u.node));
  if (uses.length === 0) return;
  const { tensor, axis } = weight.plan;
  const codes = editor.fresh(`${tensor}_quantized`);
  const grid = axis === undefined ? [] : [weight.scale.length];
  const dtype = format(weight.plan.format).dtype;
  const zeroPoint = dtype === 'int8' ? Int8Array.from(weight.zeroPoint) : Uint8Array.from(weight.zeroPoint);
  editor.graph.initializers.push(makeTensor(codes, dtype, weight.dims, weight.codes));
  const dequantized = addDequantize(
    editor,
    codes,
    floatTensor(editor.fresh(`${tensor}_scale`), grid, weight.scale),
    {
      zeroPoint: makeTensor(editor.fresh(`${tensor}_zero_point`), dtype, grid, zeroPoint),
      axis,
      output: `${tensor}_dequantized`,
    },
  );
  for (const use of uses) nodes.get(use.node)!.inputs[use.input] = dequantized;
}

function attachBias(editor: Editor, nodes: Map<string, Node>, bias: QuantizedBias): void {
  const node = nodes.get(bias.plan.node);
  if (!node) return;
  const { tensor } = bias.plan;
  const codes = editor.fresh(`${tensor}_quantized`);
  const perChannel = bias.scale.length > 1;
  editor.graph.initializers.push(makeTensor(codes, 'int32', [bias.codes.length], bias.codes));
  node.inputs[bias.plan.input] = addDequantize(
    editor,
    codes,
    floatTensor(editor.fresh(`${tensor}_scale`), perChannel ? [bias.scale.length] : [], bias.scale),
    { axis: perChannel ? 0 : undefined, output: `${tensor}_dequantized` },
  );
}

/** A DequantizeLinear of a constant, at the start of the graph; returns the name of its output. */
function addDequantize(
  editor: Editor,
  codes: string,
  scale: Tensor,
  extra: { zeroPoint?: Tensor; axis?: number; output: string },
): string {
  editor.graph.initializers.push(scale);
  if (extra.zeroPoint) editor.graph.initializers.push(extra.zeroPoint);
  const output = editor.fresh(extra.output);
  const inputs = [codes, scale.name!, ...(extra.zeroPoint ? [extra.zeroPoint.name!] : [])];
  const attributes = extra.axis === undefined ? [] : [makeAttribute.int('axis', extra.axis)];
  editor.start.push(makeNode('DequantizeLinear', inputs, [output], attributes, { name: `${output}_node` }));
  return output;
}

/**
 * Integer nodes read the dequantized view. A float node reads it too when the producer computes in integers (the
 * float values never exist on the chip), and the original value otherwise.
 */
function attachActivation(editor: Editor, activation: ActivationPlan, integer: Set<string>): void {
  const { graph, fresh } = editor;
  const { tensor } = activation;
  const { producer, uses } = editor.links;
  const maker = producer.get(tensor);
  const makerIsInteger = maker !== undefined && integer.has(maker.name ?? '');
  const readers = (uses.get(tensor) ?? []).filter((u) => makerIsInteger || integer.has(u.node.name ?? ''));
  const dtype = format(activation.format).dtype;
  const zeroPoint =
    dtype === 'int8' ? Int8Array.of(activation.zeroPoint) : Uint8Array.of(activation.zeroPoint);
  const scale = floatTensor(fresh(`${tensor}_scale`), [], [activation.scale]);
  const zero = makeTensor(fresh(`${tensor}_zero_point`), dtype, [], zeroPoint);
  graph.initializers.push(scale, zero);
  const codes = fresh(`${tensor}_quantized`);
  const view = fresh(`${tensor}_dequantized`);
  const pair = [
    makeNode('QuantizeLinear', [tensor, scale.name!, zero.name!], [codes], [], { name: `${codes}_node` }),
    makeNode('DequantizeLinear', [codes, scale.name!, zero.name!], [view], [], { name: `${view}_node` }),
  ];
  for (const { node, input } of readers) node.inputs[input] = view;
  if (maker) editor.after.set(maker, [...(editor.after.get(maker) ?? []), ...pair]);
  else editor.start.push(...pair);
}

/** Puts the new nodes where ONNX wants them: producers before readers. */
const weave = (editor: Editor): Node[] => [
  ...editor.start,
  ...editor.graph.nodes.flatMap((n) => [n, ...(editor.after.get(n) ?? [])]),
];

/** Float originals that nothing reads any more; names captured by nested graphs stay. */
function dropUnusedInitializers(graph: Graph, root: Graph): void {
  const read = new Set<string>();
  for (const g of allGraphs(root)) {
    for (const n of g.nodes) for (const i of n.inputs) read.add(i);
    for (const o of g.outputs) read.add(o.name);
  }
  graph.initializers = graph.initializers.filter((t) => read.has(t.name ?? ''));
}

function stamp(model: Model): void {
  const opset = model.opsetImports.find((o) => normalDomain(o.domain) === '')?.version ?? 0;
  const least = IR_FOR_OPSET.find(([from]) => opset >= from)?.[1] ?? 4;
  model.irVersion = Math.max(model.irVersion ?? 0, least);
  model.producerName = 'onnx-quantize';
  model.producerVersion = undefined;
}
