import { elementOf } from '../../../kernels/grid.js';
import { dequantize } from '../../../kernels/quantize.js';
import type { Tensor } from '../../ir/model.js';
import { floatTensor, floatValues } from '../../ir/tensor.js';
import type { ActivationPlan } from '../../plan/types.js';
import { weightKey } from '../../quantize/index.js';
import { decided, type Layout, type Quantizers, type State } from '../../train/index.js';
import type { Draft } from '../draft.js';
import { weightOn, withConstants } from './start.js';

/**
 * The draft with the weights and scales that training ended with; the rest of the flow takes it as any other.
 * @param held codes of weights stayed; the prepared model keeps their float values
 */
export function trainedDraft(
  draft: Draft,
  state: State,
  layout: Layout,
  quantizers: Quantizers,
  held = false,
): Draft {
  const undecided = new Set(quantizers.weights.filter((q) => q.undecided).map((q) => q.weight.plan.tensor));
  const values = new Map(
    layout.parameters.map((p) => [p.name, state.weights.value.subarray(p.offset, p.offset + p.size)]),
  );
  const constants = new Map<string, Tensor>();
  for (const { name, dims } of layout.parameters)
    if (!undecided.has(name)) constants.set(name, floatTensor(name, dims, values.get(name)!));
  const scaleOf = new Map(
    layout.scales.map(({ name, offset, size }) => [name, state.scales.value.slice(offset, offset + size)]),
  );
  const rounded = new Map(
    quantizers.weights.map(({ weight, scales }) => {
      const { plan, params } = weight;
      const trained = { ...params, scales: scaleOf.get(scales.key) ?? params.scales };
      const codes = undecided.has(plan.tensor)
        ? decided(weight.codes, values.get(plan.tensor)!)
        : weight.codes;
      const rounded = held
        ? dequantize(codes, weight.shape, trained, elementOf(plan.format))
        : floatValues(constants.get(plan.tensor) ?? constantOf(draft, plan.tensor));
      return [weightKey(plan), { ...weightOn(rounded, trained), mask: weight.mask }] as const;
    }),
  );
  const activations = draft.plan.activations.map((a): ActivationPlan => {
    const scale = scaleOf.get(`activation ${a.sharedWith ?? a.tensor}`)?.[0];
    return scale === undefined
      ? a
      : {
          ...a,
          scale,
          range: a.range.map((v) => (v * scale) / a.scale) as [number, number],
          method: 'trained',
        };
  });
  const weights = draft.plan.weights.map(({ rounding: _, ...w }) => w);
  return {
    ...draft,
    job: { ...draft.job, prepared: withConstants(draft.job.prepared, constants) },
    untrained: draft.untrained ?? draft.job.prepared,
    plan: { ...draft.plan, activations, weights, biasCorrection: false, trained: true },
    means: undefined,
    rounded,
  };
}

const constantOf = ({ job }: Draft, name: string): Tensor =>
  job.prepared.graph.initializers.find((t) => t.name === name)!;
