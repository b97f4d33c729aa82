import type { Model } from '../ir/model.js';
import type { ValueMeta } from '../runtime/types.js';
import { withGains } from './gains.js';
import { kindsOf } from './kinds.js';
import { unrestorable } from './restored.js';
import { topologyOf } from './topology.js';
import type { Rescaling } from './types.js';

/**
 * Why rescalings, which a person may have edited, would change what the model computes: an unknown tensor, a channel
 * that cannot move, one that two entries move differently. Undefined when they fit.
 */
export function misfit(
  model: Model,
  types: ReadonlyMap<string, ValueMeta>,
  rescalings: readonly Rescaling[],
): { tensor: string; message: string } | undefined {
  if (rescalings.length === 0) return undefined;
  const { plain, divided, gains: entries } = kindsOf(rescalings);
  const unfit = unrestorable(model, types, divided);
  if (unfit) return unfit;
  const gains = entries.flatMap(({ gainOf }) => gainOf ?? []);
  const stray = gains.find((tensor) => !types.has(tensor));
  if (stray) return { tensor: stray, message: `there is no value "${stray}" to multiply` };
  const gained = withGains(model, types, gains);
  const topology = topologyOf(gained.model, gained.types);
  const given = new Map<number, number>();
  for (const { tensors, factors } of [...plain, ...entries])
    for (const tensor of tensors) {
      const classes = topology.slots.get(tensor)?.classes;
      if (classes?.length !== factors.length)
        return {
          tensor,
          message: `"${tensor}" has ${classes?.length ?? 'no'} channels that can be rescaled, not ${factors.length}`,
        };
      for (const [c, factor] of factors.entries()) {
        const id = classes[c];
        if (topology.isPinned(id) && factor !== 1)
          return { tensor, message: `channel ${c} of "${tensor}" cannot be rescaled` };
        if ((given.get(id) ?? factor) !== factor)
          return {
            tensor,
            message: `channel ${c} of "${tensor}" has two factors, ${given.get(id)} and ${factor}`,
          };
        given.set(id, factor);
      }
    }
  return undefined;
}
