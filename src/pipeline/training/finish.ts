import type { Tensor } from '../../ir/model.js';
import { floatTensor, floatValues } from '../../ir/tensor.js';
import type { ActivationPlan } from '../../plan/types.js';
import { weightKey } from '../../quantize/index.js';
import type { Layout, Quantizers, State } from '../../train/index.js';
import type { Draft } from '../draft.js';
import { weightOn, withConstants } from './start.js';

/**
 * The draft with the weights and scales that training ended with; the rest of the flow takes it as any other.
 * @param held values of weights whose codes stayed, by the key of their scales; the float ones stay in the prepared model
 */
export function trainedDraft(
  draft: Draft,
  state: State,
  layout: Layout,
  quantizers: Quantizers,
  held: ReadonlyMap<string, Float32Array> = new Map(),
): Draft {
  const constants = new Map<string, Tensor>();
  for (const { name, dims, offset, size } of layout.parameters)
    constants.set(name, floatTensor(name, dims, state.weights.value.subarray(offset, offset + size)));
  const scaleOf = new Map(
    layout.scales.map(({ name, offset, size }) => [name, state.scales.value.slice(offset, offset + size)]),
  );
  const rounded = new Map(
    quantizers.weights.map(({ weight, scales }) => {
      const { plan, params } = weight;
      const values =
        held.get(scales.key) ?? floatValues(constants.get(plan.tensor) ?? constantOf(draft, plan.tensor));
      const trained = { ...params, scales: scaleOf.get(scales.key) ?? params.scales };
      return [weightKey(plan), { ...weightOn(values, trained), mask: weight.mask }] as const;
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
    plan: { ...draft.plan, activations, weights, biasCorrection: false, trained: true },
    means: undefined,
    rounded,
  };
}

const constantOf = ({ job }: Draft, name: string): Tensor =>
  job.prepared.graph.initializers.find((t) => t.name === name)!;
