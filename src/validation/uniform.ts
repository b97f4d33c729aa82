import type { Target } from '../../targets/types.js';
import { dtypeBits } from '../ir/dtypes.js';
import { isOp } from '../ir/graph.js';
import type { Lowering } from '../report/kernels.js';
import { macRule } from '../report/macs.js';
import { floatPlacement, type Placement } from '../report/placement.js';
import type { Shapes } from '../report/shapes.js';

/** How a published figure was computed. Bits of what is stored and moved; `computes`: the format of the products. */
export interface Precision {
  computes: string;
  weightBits: number;
  activationBits: number;
  cacheBits?: number;
  /** Weights are stored in a format that nothing computes in. */
  decoded?: boolean;
}

/** A whole network in one precision, as benchmarks run it: what the chip has no such form of stays in its float format. */
export function uniformPlacement(
  lowering: Lowering,
  shapes: Shapes,
  target: Target,
  parameters: ReadonlySet<string>,
  precision: Precision,
): Placement {
  const native = floatPlacement(shapes, target, parameters);
  const runs = target.integerOperators;
  const quantized = new Set<string>();
  const weights = new Set<string>();
  for (const { nodes } of lowering.kernels)
    for (const node of nodes) {
      const rule = macRule(node);
      const weight = lowering.root(node.inputs[rule?.right ?? 0] ?? '');
      if (rule && parameters.has(weight)) weights.add(weight);
      if (!runs.includes('*') && !isOp(node, ...runs)) continue;
      if (rule && !parameters.has(weight)) continue;
      for (const input of node.inputs) quantized.add(lowering.root(input));
    }
  return {
    computes(node) {
      const rule = macRule(node);
      const multiplies = rule && parameters.has(lowering.root(node.inputs[rule.right]));
      return multiplies ? precision.computes : target.floatFormat;
    },
    activationBits(name) {
      if (lowering.caches.has(name)) return precision.cacheBits ?? dtypeBits(target.floatFormat);
      return quantized.has(name) ? precision.activationBits : native.activationBits(name);
    },
    constantBytes: (name) =>
      weights.has(name) ? (shapes.count(name) * precision.weightBits) / 8 : native.constantBytes(name),
    decodes: (name) => weights.has(name) && precision.decoded === true,
  };
}
