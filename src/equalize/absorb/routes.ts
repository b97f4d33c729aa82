import type { Model } from '../../ir/model.js';
import type { ValueMeta } from '../../runtime/types.js';
import type { Topology } from '../types.js';
import { type Visitor, walk } from './walk.js';

/** A bias that may give up an offset for each channel. */
export interface Giver {
  channels: number;
  /** Set where the values pass a Relu or a Clip from zero: offsets are 0 or more, and values at most this. */
  high?: number;
  /** Values that carry its offsets. */
  carriers: string[];
}

/**
 * Biases whose offsets reach other biases on all their ways, by the value behind the bias. Sums of two values end the way:
 * what one of them gave up would be missing in the other.
 * @param asked only these values; all that there are by default
 */
export function routes(
  model: Model,
  types: ReadonlyMap<string, ValueMeta>,
  topology: Topology,
  asked?: ReadonlySet<string>,
): Map<string, Giver> {
  const found = new Map<string, Giver>();
  const visitor: Visitor<ReadonlySet<string>> = {
    start({ tensor, channels }) {
      if (asked && !asked.has(tensor)) return undefined;
      found.set(tensor, { channels, carriers: [] });
      return new Set([tensor]);
    },
    repeat: (givers) => givers,
    join: (parts) => new Set(parts.flatMap(({ value }) => [...(value ?? [])])),
    clip(givers, bound) {
      for (const giver of givers) {
        const entry = found.get(giver);
        if (entry) entry.high = Math.min(bound, entry.high ?? Number.POSITIVE_INFINITY);
      }
    },
    absorb: () => {},
    refuse(givers) {
      for (const giver of givers) found.delete(giver);
    },
  };
  for (const [value, givers] of walk(model, types, topology, visitor))
    for (const giver of givers) found.get(giver)?.carriers.push(value);
  return found;
}
