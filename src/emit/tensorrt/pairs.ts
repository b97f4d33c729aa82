import { type Dtype, dtypeName, dtypeNumber } from '../../ir/dtypes.js';
import { isOp, links, makeAttribute, makeNode, nameAllocator, usedNames } from '../../ir/graph.js';
import type { Graph, Model, Node } from '../../ir/model.js';
import { makeTensor } from '../../ir/tensor.js';

/** Types of eight bits that onnxruntime runs as casts, and breaks as pairs. */
const FLOAT8: readonly (Dtype | undefined)[] = ['float8e4m3fn', 'float8e5m2'];

const castType = (node: Node | undefined): Dtype | undefined =>
  isOp(node, 'Cast') ? dtypeName(Number(node.attributes.find((a) => a.name === 'to')?.i ?? 0)) : undefined;

/**
 * Rewrites pairs of FP8 as what they mean: x / s, cast there and back, times s. onnxruntime computes that exactly, at
 * every level of optimisation. Changes the model; what it reads, pairs of any tool, it does not judge.
 * @returns how many pairs were rewritten
 */
export function pairsToCasts({ graph }: Model): number {
  const { producer, initializer } = links(graph);
  const fresh = nameAllocator(usedNames(graph));
  let count = 0;
  graph.nodes = graph.nodes.flatMap((dq) => {
    const q = isOp(dq, 'DequantizeLinear') ? producer.get(dq.inputs[0]) : undefined;
    if (!isOp(q, 'QuantizeLinear')) return [dq];
    const type = dtypeName(initializer.get(q.inputs[2] ?? '')?.dataType);
    const float = dtypeName(initializer.get(dq.inputs[1])?.dataType);
    if (!FLOAT8.includes(type) || !float) return [dq];
    count++;
    return casts({ q, dq, type: type!, float, fresh });
  });
  if (count > 0) dropUnread(graph);
  return count;
}

interface Pair {
  q: Node;
  dq: Node;
  type: Dtype;
  float: Dtype;
  fresh(wanted: string): string;
}

function casts({ q, dq, type, float, fresh }: Pair): Node[] {
  const [output] = dq.outputs;
  const step = (opType: string, inputs: string[], made: string, to?: Dtype): Node =>
    makeNode(opType, inputs, [made], to ? [makeAttribute.int('to', dtypeNumber(to))] : [], {
      name: `${made}_node`,
    });
  const [scaled, codes, values] = ['scaled', 'codes', 'values'].map((what) => fresh(`${output}_${what}`));
  return [
    step('Div', [q.inputs[0], q.inputs[1]], scaled),
    step('Cast', [scaled], codes, type),
    step('Cast', [codes], values, float),
    step('Mul', [values, dq.inputs[1]], output),
  ];
}

/** The reverse: x / s, cast to FP8 and back, times the same s becomes a pair. Changes the model. */
export function castsToPairs({ graph }: Model): number {
  const { producer, uses, outputs } = links(graph);
  const fresh = nameAllocator(usedNames(graph));
  const inner = (name: string): Node | undefined =>
    (uses.get(name) ?? []).length === 1 && !outputs.has(name) ? producer.get(name) : undefined;
  const replaced = new Map<Node, Node[]>();
  for (const mul of graph.nodes.filter((n) => isOp(n, 'Mul'))) {
    const [values, scale] = mul.inputs;
    const back = inner(values);
    const there = castType(back) && inner(back!.inputs[0]);
    const type = castType(there || undefined);
    const divide = there && FLOAT8.includes(type) ? inner(there.inputs[0]) : undefined;
    if (!there || !isOp(divide, 'Div') || divide.inputs[1] !== scale) continue;
    const zero = fresh(`${scale}_zero`);
    graph.initializers.push(makeTensor(zero, type!, [], new Uint8Array(1)));
    const codes = there.outputs[0];
    replaced.set(mul, [
      makeNode('QuantizeLinear', [divide.inputs[0], scale, zero], [codes], [], { name: `${codes}_node` }),
      makeNode('DequantizeLinear', [codes, scale, zero], mul.outputs, [], { name: mul.name }),
    ]);
    for (const gone of [divide, there, back!]) replaced.set(gone, []);
  }
  graph.nodes = graph.nodes.flatMap((n) => replaced.get(n) ?? [n]);
  return [...replaced.values()].filter((nodes) => nodes.length > 0).length;
}

/** Q nodes and constants that nothing reads any more. */
export function dropUnread(graph: Graph): void {
  const read = new Set([...graph.nodes.flatMap((n) => n.inputs), ...graph.outputs.map((o) => o.name)]);
  graph.nodes = graph.nodes.filter((n) => !isOp(n, 'QuantizeLinear') || read.has(n.outputs[0]));
  const { captured } = links(graph);
  const left = new Set([
    ...graph.nodes.flatMap((n) => n.inputs),
    ...captured,
    ...graph.outputs.map((o) => o.name),
  ]);
  graph.initializers = graph.initializers.filter((t) => left.has(t.name ?? ''));
}
