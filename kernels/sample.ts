import { type BlockShape, blockSize } from './blocks.js';

/** Values of some groups of a block shape, as a shape of their own. */
export interface SampledGroups {
  values: Float32Array;
  shape: BlockShape;
}

/**
 * About `most` values of a tensor, whole groups that share a scale and evenly spread ones, so that each group keeps the
 * scale it has in the whole tensor: outer slices or rows of blocks, channels, or, where one scale serves all, single
 * values and with them the extremes.
 */
export function sampleGroups(values: Float32Array, shape: BlockShape, most: number): SampledGroups {
  if (blockSize(shape) <= most) return { values, shape };
  const { outer, channels, inner, block } = shape;
  if (block === undefined && channels === 1) return spreadValues(values, most);
  if (block === undefined) return sampleChannels(values, shape, most);
  if (outer > 1) {
    const slices = evenly(outer, most / (channels * inner));
    return { values: pick(values, channels * inner, slices), shape: { ...shape, outer: slices.length } };
  }
  const rows = evenly(Math.floor(channels / block), most / (block * inner));
  if (rows.length === 0) return { values, shape };
  return { values: pick(values, block * inner, rows), shape: { ...shape, channels: rows.length * block } };
}

/** At most `wanted` of 0…count − 1, evenly spread; one at least where there is one. */
function evenly(count: number, wanted: number): number[] {
  const step = Math.max(1, Math.ceil(count / Math.max(1, Math.floor(wanted))));
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step);
}

/** The units of `size` consecutive values at the given places. */
function pick(values: Float32Array, size: number, units: readonly number[]): Float32Array {
  const out = new Float32Array(units.length * size);
  units.forEach((unit, at) => {
    out.set(values.subarray(unit * size, (unit + 1) * size), at * size);
  });
  return out;
}

function sampleChannels(values: Float32Array, shape: BlockShape, most: number): SampledGroups {
  const { outer, channels, inner } = shape;
  const kept = evenly(channels, most / (outer * inner));
  const runs = Array.from({ length: outer }, (_, o) => kept.map((c) => o * channels + c)).flat();
  return { values: pick(values, inner, runs), shape: { ...shape, channels: kept.length } };
}

function spreadValues(values: Float32Array, most: number): SampledGroups {
  const picked = pick(values, 1, evenly(values.length, most - 2));
  let [low, high] = [0, 0];
  for (let i = 1; i < values.length; i++) {
    if (values[i] < values[low]) low = i;
    if (values[i] > values[high]) high = i;
  }
  const all = Float32Array.of(...[values[low], values[high]], ...picked);
  return { values: all, shape: { outer: 1, channels: 1, inner: all.length } };
}
