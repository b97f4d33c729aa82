import type { SampleSource } from '../../data/types.js';
import type { Model } from '../../ir/model.js';
import type { ChannelSpread } from '../../prepare/index.js';
import type { ValueMeta } from '../../runtime/types.js';
import { channelStats } from '../observe.js';
import { HEADROOM } from '../proposal.js';
import { topologyOf } from '../topology.js';
import type { Absorption, ChannelStats, Grids } from '../types.js';
import { type Giver, routes } from './routes.js';

/** Extremes of channels settle on the last number of samples; the first, which are quick, rule out what never will. */
const LOOKS = [8, 64];
/** Digits that an offset is recorded with, and used. */
const DIGITS = 4;
/** Standard deviations below the mean that values do not go, as far as the mean and deviation of a channel tell. */
const REACH = 3;
/** Decibels that a range must become narrower by to be worth another calibration. */
const WORTH = 0.5;

export interface AbsorbOptions {
  grids: Pick<Grids, 'quantized' | 'symmetric'>;
  /** What folded normalisations say of channels, which counts where samples are made up. */
  spreads: ReadonlyMap<string, ChannelSpread>;
  threads?: number;
}

/** What is known of the channels of a value. */
type Seen = Pick<ChannelStats, 'min' | 'max' | 'mean'> & { deviation: Float64Array };

/**
 * Chooses what biases give up to those behind them, so that the ranges of activations become narrower.
 * @param types types and shapes by value name, with the sizes that samples have
 * @returns nothing where no range would
 */
export async function planAbsorptions(
  model: Model,
  types: ReadonlyMap<string, ValueMeta>,
  source: SampleSource,
  { grids, spreads, threads }: AbsorbOptions,
): Promise<Absorption[]> {
  const topology = topologyOf(model, types);
  const givers = routes(model, types, topology);
  const quantized = ({ carriers }: Giver) => carriers.some((tensor) => grids.quantized.has(tensor));
  const entries = (tensors: Iterable<string>, seen: ReadonlyMap<string, ChannelStats | ChannelSpread>) =>
    [...tensors].flatMap((tensor) => {
      const of = seen.get(tensor);
      return of ? entry(tensor, givers.get(tensor)!, known(of), grids.symmetric) : [];
    });
  let wanted = [...givers].flatMap(([tensor, giver]) => (quantized(giver) ? tensor : []));
  if (source.kind !== 'real') return entries(wanted, spreads);
  let found: Absorption[] = [];
  for (const limit of LOOKS) {
    const slots = wanted.flatMap((tensor) => topology.slots.get(tensor) ?? []).filter((s) => s.rank >= 2);
    found = entries(wanted, await channelStats(model, slots, source, { limit, threads }));
    wanted = found.map(({ tensor }) => tensor);
  }
  return found;
}

const known = (of: ChannelStats | ChannelSpread): Seen => {
  const { mean } = of;
  if ('power' in of)
    return { ...of, deviation: of.power.map((power, c) => Math.sqrt(Math.max(0, power - mean[c] ** 2))) };
  const { deviation } = of;
  const at = (sigmas: number) => mean.map((m, c) => m + sigmas * deviation[c]);
  return { mean, deviation, min: at(-REACH), max: at(REACH) };
};

function entry(tensor: string, giver: Giver, seen: Seen, symmetric: boolean): Absorption[] {
  const offsets = Array.from(giver.high === undefined ? seen.mean.map(rounded) : floors(giver.high, seen));
  const lowest = giver.high === undefined ? Number.NEGATIVE_INFINITY : 0;
  const width = (by: (channel: number) => number): number => {
    const high = seen.max.reduce((most, x, c) => Math.max(most, x - by(c)), 0);
    const low = seen.min.reduce((least, x, c) => Math.min(least, Math.max(lowest, x - by(c))), 0);
    return symmetric ? 2 * Math.max(high, -low) : high - low;
  };
  const narrowerDb = 20 * Math.log10(width(() => 0) / width((c) => offsets[c]));
  if (!(narrowerDb >= WORTH)) return [];
  const moved = offsets.filter((c) => c !== 0).length;
  const reason = `range ${narrowerDb.toFixed(1)} dB narrower, by ${moved} of ${offsets.length} channels`;
  return [{ tensor, offsets, reason }];
}

const rounded = (value: number): number => Number(value.toPrecision(DIGITS));

/**
 * c = max(0, β − 3γ) behind a Relu (Nagel et al. 2019, section 4.1.3), and no more than the least value that was seen: what is less
 * would be clipped. A channel that comes near a Clip's bound keeps what it has.
 */
const floors = (high: number, { min, max, mean, deviation }: Seen): Float64Array =>
  min.map((least, c) => {
    const floor = Math.min(least, mean[c] - REACH * deviation[c]);
    if (floor <= 0 || max[c] > HEADROOM * high) return 0;
    const near = rounded(floor);
    return near <= floor ? near : rounded(floor * (1 - 10 ** -(DIGITS - 1)));
  });
