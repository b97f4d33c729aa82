import { isOp, links } from '../../ir/graph.js';
import type { Model, Node } from '../../ir/model.js';
import type { Plan } from '../../plan/types.js';
import { type Draft, replan } from '../draft.js';
import { settled } from './settled.js';

export const GATE_REASON =
  'a value times its own gate (SiLU): rounded once, behind the product, not before it too';
const GATES = ['Sigmoid', 'HardSigmoid', 'Tanh'];

/**
 * Keeps the operators of x·σ(x) in float, so that the gate is not rounded, and x is only where the layer that makes it can
 * write nothing but integers. The large negative values of x widen its range, and the product is next to nothing for all
 * of them.
 */
export async function leaveGatesFloat(draft: Draft): Promise<Draft | undefined> {
  const nodes = gatedProducts(draft.job.prepared, draft.plan);
  if (nodes.length === 0) return undefined;
  const { keepFloat, floatReasons = new Map<string, string>() } = draft.input;
  const input = {
    ...draft.input,
    keepFloat: new Set([...keepFloat, ...nodes]),
    floatReasons: new Map([...floatReasons, ...nodes.map((name) => [name, GATE_REASON] as const)]),
  };
  return settled(replan(draft, { input }), draft);
}

/** Names of the gates and products, all in integers so far, that read what an operator in integers makes. */
export function gatedProducts({ graph }: Model, { integer }: Pick<Plan, 'integer'>): string[] {
  const inIntegers = new Set(integer.map(({ node }) => node));
  const { producer, uses } = links(graph);
  const takes = (node: Node | undefined) => node !== undefined && inIntegers.has(node.name ?? '');
  const readersOf = (tensor: string) => (uses.get(tensor) ?? []).map(({ node }) => node);
  return graph.nodes.flatMap((gate) => {
    const [x] = gate.inputs;
    if (!isOp(gate, ...GATES) || !takes(gate) || !takes(producer.get(x))) return [];
    const product = readersOf(gate.outputs[0]).find((node) => isOp(node, 'Mul') && node.inputs.includes(x));
    const others = readersOf(x).filter((node) => node !== gate && node !== product);
    return takes(product) && others.length === 0 ? [gate.name ?? '', product!.name ?? ''] : [];
  });
}
