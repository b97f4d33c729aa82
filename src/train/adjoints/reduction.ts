import { intAttribute, intsAttribute } from '../../ir/graph.js';
import type { Builder } from '../builder.js';
import { axisOf, gradientOf, ints, needsConstants, product, range } from './common.js';
import type { Adjoint, Family, Step } from './types.js';

/** The axes that a reduction sums over: input 1, the attribute of older opsets, or all. */
function axesOf(step: Step): number[] {
  const rank = step.dims(step.node.inputs[0]).length;
  const given = ints(step, 1) ?? intsAttribute(step.node, 'axes');
  if (given?.length) return given.map((a) => axisOf(a, rank));
  return intAttribute(step.node, 'noop_with_empty_axes', 0) === 1 ? [] : range(rank);
}

/** A reduction: the gradient with the summed axes back as 1, y likewise, and what to make of them. */
const reduction = (
  op: string,
  rule: (b: Builder, v: { g: string; x: string; y: string; count: number }) => string,
): Adjoint => ({
  op,
  refuses: needsConstants(1),
  back: (step) => {
    const { b, node, dims } = step;
    const from = dims(node.inputs[0]);
    const axes = axesOf(step);
    const kept = from.map((d, i) => (axes.includes(i) ? 1 : d));
    const [g, y] = [gradientOf(step), node.outputs[0]].map((name) =>
      intAttribute(node, 'keepdims', 1) === 1 ? name : b.reshape(name, kept),
    );
    const count = product(axes.map((a) => from[a]));
    return [b.expand(rule(b, { g, x: node.inputs[0], y, count }), from)];
  },
});

export const reductionFamily: Family = [
  reduction('ReduceSum', (_, { g }) => g),
  reduction('ReduceMean', (b, { g, count }) => b.scale(g, 1 / count)),
  reduction('ReduceSumSquare', (b, { g, x }) => b.mul(b.scale(g, 2), x)),
  reduction('ReduceL2', (b, { g, x, y }) => b.mul(b.div(g, y), x)),
];
