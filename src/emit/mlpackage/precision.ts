import type { Links } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';

/** What is passed on to a logarithm value by value, or summed for it: powers, their sums, and how they are laid out. */
const POWERS = new Set(
  `Abs Add Clip Div Max Mean Min Mul Neg Pow ReduceMax ReduceMean ReduceSum ReduceSumSquare Relu Sqrt Sub Sum Identity
  Reshape Squeeze Transpose Unsqueeze`.split(/\s+/),
);
/** The same, of a value that float16 holds: what grows from it falls below float16 at once. */
const SOURCES = new Set(['Exp', 'Sigmoid', 'Softmax']);

/**
 * Nodes that compute in float32 whatever the rest does. A logarithm asks how small a value is: a power of 1e-10 is -23 to it,
 * and 0 in float16, whose smallest value is 6e-8. So the powers that it reads stay float32 back to the products, pools
 * or codes that they come from.
 */
export function preciseNodes(nodes: readonly Node[], links: Links): Set<Node> {
  const precise = new Set(nodes.filter((n) => n.opType === 'Log'));
  const include = (name: string): void => {
    const maker = links.producer.get(name);
    if (!maker || precise.has(maker)) return;
    const goesOn = POWERS.has(maker.opType);
    if (!goesOn && !SOURCES.has(maker.opType)) return;
    precise.add(maker);
    if (goesOn) maker.inputs.forEach(include);
  };
  for (const log of [...precise]) include(log.inputs[0]);
  return precise;
}
