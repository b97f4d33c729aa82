import { normalDomain } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';
import { FOLLOWERS } from './followers.js';
import { LINEAR } from './linear.js';
import { SAME_SCALE } from './same-scale.js';
import type { OperatorRule } from './types.js';
import { WEIGHT_ONLY } from './weight-only.js';

/** The operator rules by family: a new operator is an entry in its family's table. */
export const OPERATOR_RULES: readonly OperatorRule[] = [
  ...LINEAR,
  ...SAME_SCALE,
  ...FOLLOWERS,
  ...WEIGHT_ONLY,
];

const byKind = (rules: readonly OperatorRule[]) => {
  const map = new Map<string, OperatorRule>();
  for (const rule of rules)
    for (const op of rule.ops) {
      if (map.has(op)) throw new RangeError(`two rules for operator ${op} in one family`);
      map.set(op, rule);
    }
  return map;
};

/** An operator may hold weights in one role and move activations in another (Gather), so the roles are two tables. */
const weightRules = byKind(OPERATOR_RULES.filter((r) => r.weights));
const activationRules = byKind(OPERATOR_RULES.filter((r) => r.kind !== 'weightOnly'));

const ofNode = (table: Map<string, OperatorRule>, node: Node) =>
  normalDomain(node.domain) === '' ? table.get(node.opType) : undefined;

/** How the node's constants become weights. */
export const weightRule = (node: Node): OperatorRule | undefined => ofNode(weightRules, node);
/** How the node treats quantized activations. */
export const activationRule = (node: Node): OperatorRule | undefined => ofNode(activationRules, node);

export { FUSED_ACTIVATIONS } from './followers.js';
export type { OperatorRule, Reduction, WeightRule } from './types.js';
