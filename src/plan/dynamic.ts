import { floatAttribute, intAttribute, isOp } from '../ir/graph.js';
import type { Node } from '../ir/model.js';
import type { Flow, PlanInput } from './flow.js';
import type { DynamicPlan, WeightPlan } from './types.js';

/** Where the activation and the weight sit in the operators that have an integer form for ranges found at run time. */
const FORMS: Record<string, string> = {
  Conv: 'DynamicQuantizeLinear and ConvInteger',
  MatMul: 'DynamicQuantizeLinear and MatMulInteger',
  Gemm: 'DynamicQuantizeLinear and MatMulInteger',
};

/** The nodes that a scheme with dynamic activations computes in integers: an activation times a constant. */
export function planDynamic(flow: Flow, weights: readonly WeightPlan[], input: PlanInput): DynamicPlan[] {
  if (input.scheme.activations !== 'dynamic') return [];
  const weightOf = new Map(
    weights.flatMap((w) => w.uses.filter((u) => u.input === 1).map((u) => [u.node, w.tensor] as const)),
  );
  return flow.graph.nodes.flatMap((node) => {
    const weight = weightOf.get(node.name ?? '');
    if (weight === undefined || refuse(node, flow, input)) return [];
    const { name = '', opType } = node;
    return [
      {
        node: name,
        opType,
        tensor: node.inputs[0],
        weight,
        reason: `${FORMS[opType]}: its range is found at run time`,
      },
    ];
  });
}

/** Why a node has no dynamic form; its weights are stored as codes all the same. */
function refuse(node: Node, flow: Flow, { types }: PlanInput): string | undefined {
  if (!isOp(node, ...Object.keys(FORMS))) return `${node.opType} has no integer form`;
  if (types.get(node.inputs[0])?.dtype !== 'float32') return 'its activation is not float32';
  const weight = flow.links.initializer.get(node.inputs[1]);
  if (isOp(node, 'MatMul') && weight?.dims.length !== 2) return 'its weight is not a matrix';
  const plain = floatAttribute(node, 'alpha', 1) === 1 && floatAttribute(node, 'beta', 1) === 1;
  if (!plain || intAttribute(node, 'transA', 0)) return 'it scales or transposes besides multiplying';
  return undefined;
}
