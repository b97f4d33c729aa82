import type { Diagnostic } from '../../errors.js';
import { isOp, links, qualifiedType, subgraphs } from '../../ir/graph.js';
import type { Model, Node, Tensor } from '../../ir/model.js';
import { constantsOf, isPinned, removeNodes } from '../edit.js';
import { evaluate } from '../evaluate.js';
import type { Pass } from '../types.js';

/** Constant is lift-constants' business (what it leaves must stay); the others draw random numbers. */
const NEVER = [
  'Constant',
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
 */
export const foldConstants: Pass = {
  id: 'fold-constants',
  description:
    'Weights behind Reshape, Transpose, Cast or arithmetic become plain constants that can be quantized.',
  async run(model) {
    const refused = new Set<Node>();
    for (let attempt = 0; ; attempt++) {
      if (attempt === MAX_ATTEMPTS) return { changes: 0, diagnostics: [givenUp] };
      const foldable = constantNodes(model, refused);
      if (foldable.size === 0) return { changes: 0 };
      const frontier = frontierOf(model, foldable);
      const { values, refused: more } = await evaluate(model, foldable, frontier);
      if (more.size === 0) return { changes: replace(model, foldable, values) };
      for (const node of more) refused.add(node);
    }
  },
};

/** Nodes all of whose inputs are constants, directly or through each other. */
function constantNodes(model: Model, refused: ReadonlySet<Node>): Set<Node> {
  const { graph } = model;
  const l = links(graph);
  const known = new Set(constantsOf(graph).keys());
  const local = new Set(model.functions.map((f) => `${f.domain ?? ''}:${f.name}`));
  const result = new Set<Node>();
  for (const node of graph.nodes) {
    const fits =
      !refused.has(node) &&
      !isOp(node, ...NEVER) &&
      !local.has(`${node.domain ?? ''}:${node.opType}`) &&
      !qualifiedType(node).includes('QuantizeLinear') &&
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
function frontierOf(model: Model, foldable: ReadonlySet<Node>): string[] {
  const l = links(model.graph);
  const made = [...foldable].flatMap((node) => node.outputs).filter((name) => name);
  return made.filter(
    (name) => isPinned(l, name) || (l.uses.get(name) ?? []).some((use) => !foldable.has(use.node)),
  );
}

function replace(model: Model, foldable: ReadonlySet<Node>, values: Tensor[]): number {
  model.graph.initializers.push(...values);
  removeNodes(model.graph, foldable);
  return foldable.size;
}
