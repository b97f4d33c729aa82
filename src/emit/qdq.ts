import { allGraphs, cloneModel, makeAttribute, nameAllocator, normalDomain, usedNames } from '../ir/graph.js';
import type { Graph, Model } from '../ir/model.js';
import type { Plan } from '../plan/types.js';
import type { Numbers, QuantizedBias, QuantizedWeight } from '../quantize/types.js';
import { attachActivation, movedTensors } from './activations.js';
import { attachDynamic } from './dynamic.js';
import { Editor } from './editor.js';
import { WEIGHT_FORMS } from './forms/index.js';
import { MICROSOFT } from './forms/matmulnbits.js';

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

/**
 * The hub format: standard-domain QuantizeLinear/DequantizeLinear around the float model (ONNX operators, opset 10+;
 * per axis 13+, blocks 21+). Weights are stored as codes that the graph turns into floats (forms/); each quantized
 * activation passes one QuantizeLinear → DequantizeLinear pair. No node of the model is removed, but those that compute
 * on ranges found at run time and MatMulNBits take the places of theirs. Same plan and numbers, same bytes.
 */
export function emitQdq(
  model: Model,
  plan: Plan,
  numbers: Numbers,
  /** Another way to put weights into the graph: makes the float value that their readers take. */
  encode?: (editor: Editor, weight: QuantizedWeight) => string,
): Model {
  const result = cloneModel(model);
  const fresh = nameAllocator(usedNames(result.graph));
  for (const graph of allGraphs(result.graph)) {
    const editor = new Editor(graph, fresh);
    for (const weight of numbers.weights) attachWeight(editor, plan, weight, encode);
    if (graph === result.graph) {
      for (const bias of numbers.biases) attachBias(editor, bias, plan);
      const integer = new Set(plan.integer.map((i) => i.node));
      const moved = movedTensors(model.graph, plan.activations);
      for (const activation of plan.activations) attachActivation(editor, activation, integer, moved, plan);
      attachAllDynamic(editor, plan, numbers);
    }
    editor.weave();
  }
  for (const graph of allGraphs(result.graph)) dropUnusedInitializers(graph, result.graph);
  if (!encode && plan.weights.some((w) => w.form === 'matmulnbits')) importDomain(result, MICROSOFT);
  stamp(result);
  return result;
}

function attachWeight(
  editor: Editor,
  plan: Plan,
  weight: QuantizedWeight,
  encode?: (editor: Editor, weight: QuantizedWeight) => string,
): void {
  const dynamic = new Set(plan.dynamic.map((d) => d.node));
  const uses = weight.plan.uses
    .filter((u) => editor.nodes.has(u.node) && !dynamic.has(u.node))
    .map(({ node, input }) => ({ node: editor.nodes.get(node)!, input }));
  if (uses.length === 0) return;
  const value = encode?.(editor, weight);
  if (value === undefined) WEIGHT_FORMS[weight.plan.form](editor, weight, uses, plan.encoding);
  else for (const { node, input } of uses) node.inputs[input] = value;
}

function attachAllDynamic(editor: Editor, plan: Plan, numbers: Numbers): void {
  for (const dynamic of plan.dynamic) {
    const weight = numbers.weights.find(
      ({ plan: w }) => w.tensor === dynamic.weight && w.uses.some((u) => u.node === dynamic.node),
    );
    if (weight) attachDynamic(editor, dynamic, weight);
  }
}

function attachBias(editor: Editor, bias: QuantizedBias, { placement }: Plan): void {
  const node = editor.nodes.get(bias.plan.node);
  if (!node) return;
  const { tensor } = bias.plan;
  const perChannel = bias.scale.length > 1;
  if (placement === 'tensorrt') {
    const values = Float32Array.from(bias.codes, (code, i) => code * bias.scale[perChannel ? i : 0]);
    node.inputs[bias.plan.input] = editor.float(`${tensor}_corrected`, [values.length], values);
    return;
  }
  const codes = editor.constant(`${tensor}_quantized`, 'int32', [bias.codes.length], bias.codes);
  const scale = editor.float(`${tensor}_scale`, perChannel ? [bias.scale.length] : [], bias.scale);
  const along = perChannel ? [makeAttribute.int('axis', 0)] : [];
  node.inputs[bias.plan.input] = editor.node(
    'DequantizeLinear',
    [codes, scale],
    `${tensor}_dequantized`,
    along,
  );
}

/** Float originals that nothing reads any more; names captured by nested graphs stay. */
function dropUnusedInitializers(graph: Graph, root: Graph): void {
  const read = new Set<string>();
  for (const g of allGraphs(root)) {
    for (const n of g.nodes) for (const i of n.inputs) read.add(i);
    for (const o of g.outputs) read.add(o.name);
  }
  graph.initializers = graph.initializers.filter((t) => read.has(t.name ?? ''));
}

/** onnxruntime's own operators have one version. */
function importDomain(model: Model, domain: string): void {
  if (!model.opsetImports.some((o) => o.domain === domain)) model.opsetImports.push({ domain, version: 1 });
}

function stamp(model: Model): void {
  const opset = model.opsetImports.find((o) => normalDomain(o.domain) === '')?.version ?? 0;
  const least = IR_FOR_OPSET.find(([from]) => opset >= from)?.[1] ?? 4;
  model.irVersion = Math.max(model.irVersion ?? 0, least);
  model.producerName = 'onnx-quantize';
  model.producerVersion = undefined;
}
