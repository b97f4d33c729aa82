import type { Diagnostic } from '../../errors.js';
import { isOp, links, subgraphs } from '../../ir/graph.js';
import type { Graph, Model, Node, Tensor } from '../../ir/model.js';
import { constantsOf, isPinned, removeNodes } from '../edit.js';
import { evaluate, type Scope } from '../evaluate.js';
import { callKey, functionKey } from '../expansion.js';
import type { Pass, PassResult } from '../types.js';

/**
 * Constant is lift-constants' business (what it leaves must stay); DequantizeLinear is how a quantized model stores its
 * weights; the others draw random numbers.
 */
const NEVER = [
  'Constant',
  'DequantizeLinear',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Multinomial',
  'Bernoulli',
];

/** Each attempt costs a few sessions; a model with more nodes than this that cannot be folded is left alone. */
const MAX_ATTEMPTS = 32;

const givenUp: Diagnostic = {
  level: 'note',
  code: 'CONSTANTS_KEPT',
  message: `constant folding gave up after ${MAX_ATTEMPTS} attempts: too many constant nodes cannot be computed`,
};

/**
 * 1. A maximal subgraph of nodes that depend on constants only: onnxruntime computes it once, here, with the
 *    kernels that would compute it in the model, so results are the same bits.
 * 2. A result over the growth limit (evaluate.ts): its node stays, what feeds it is folded.
 * 3. Random operators, nodes with nested graphs, model-local functions, nodes that make a graph output or a value
 *    that is no dense tensor, operators that onnxruntime cannot run here: stay.
 * 4. In a nested graph: likewise, reading constants of the graphs around it; results become its own.
 */
export const foldConstants: Pass = {
  id: 'fold-constants',
  description:
    'Weights behind Reshape, Transpose, Cast or arithmetic become plain constants that can be quantized.',
  run: (model) => foldGraph(model, model.graph, new Map()),
};

async function foldGraph(model: Model, graph: Graph, outer: Map<string, Tensor>): Promise<PassResult> {
  const defined = graph.nodes.flatMap((node) => node.outputs);
  const around = new Map(outer);
  for (const name of [...defined, ...graph.inputs.map((v) => v.name)]) around.delete(name);
  const total: Required<Omit<PassResult, 'spreads'>> = { changes: 0, diagnostics: [] };
  const add = (part: PassResult) => {
    total.changes += part.changes;
    total.diagnostics.push(...(part.diagnostics ?? []));
  };
  add(await foldOwn({ model, graph, constants: new Map([...around, ...constantsOf(graph)]) }));
  const inside = new Map([...around, ...constantsOf(graph)]);
  for (const node of graph.nodes)
    for (const inner of subgraphs(node)) add(await foldGraph(model, inner, inside));
  return total;
}

async function foldOwn(scope: Scope): Promise<PassResult> {
  const refused = new Set<Node>();
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const foldable = constantNodes(scope, refused);
    if (foldable.size === 0) return { changes: 0 };
    const { values, refused: more } = await evaluate(scope, foldable, frontierOf(scope.graph, foldable));
    if (more.size === 0) {
      scope.graph.initializers.push(...values);
      removeNodes(scope.graph, foldable);
      return { changes: foldable.size };
    }
    for (const node of more) refused.add(node);
  }
  return { changes: 0, diagnostics: [givenUp] };
}

/** Nodes all of whose inputs are constants, directly or through each other. */
function constantNodes({ model, graph, constants }: Scope, refused: ReadonlySet<Node>): Set<Node> {
  const l = links(graph);
  const known = new Set(constants.keys());
  const local = new Set(model.functions.map(functionKey));
  const result = new Set<Node>();
  for (const node of graph.nodes) {
    const fits =
      !refused.has(node) &&
      !isOp(node, ...NEVER) &&
      !local.has(callKey(node)) &&
      subgraphs(node).length === 0 &&
      node.inputs.some((name) => name) &&
      node.inputs.every((name) => !name || known.has(name)) &&
      !node.outputs.some((name) => l.outputs.has(name));
    if (!fits) continue;
    result.add(node);
    for (const output of node.outputs) if (output) known.add(output);
  }
  return result;
}

/** Values of the constant nodes that something outside them reads. */
function frontierOf(graph: Graph, foldable: ReadonlySet<Node>): string[] {
  const l = links(graph);
  const made = [...foldable].flatMap((node) => node.outputs).filter((name) => name);
  return made.filter(
    (name) => isPinned(l, name) || (l.uses.get(name) ?? []).some((use) => !foldable.has(use.node)),
  );
}
