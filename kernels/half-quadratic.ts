import { type BlockShape, blockSize, type ChannelParams, eachRun, scaleCount } from './blocks.js';
import type { NumberFormat } from './formats.js';
import type { Kernels } from './wasm.js';

/** Rounds, and the weight β of the quadratic part, in steps of the grid: from 1 on, what is clipped counts as an outlier. */
const ROUNDS = 20;
const FIRST_WEIGHT = 1;
const GROWTH = 1.01;
/** Values that the kernel takes at once. */
const LANES = 4;

/**
 * Scales that err less in Σ|w − ŵ|^¾ than those given, without data: half-quadratic quantization (Badri and Shaji 2023,
 * "Half-Quadratic Quantization of Large Machine Learning Models"). Errors are split in turn into outliers, by the shrinkage
 * operator, and a rest whose square is made small by the scale s = Σ q·(w − e) / Σ q². Where the original moves zero
 * points, which are real there, they stay here: as whole codes they hardly moved, and where they did a language model in
 * blocks of 32 was worse off. Of all scales on the way each group keeps the best, so none gets worse.
 * @param row whole codes
 */
export function halfQuadratic(
  kernels: Kernels,
  values: Float32Array,
  shape: BlockShape,
  row: NumberFormat,
  params: ChannelParams,
): ChannelParams {
  const { grouped, length } = regroup(values, shape);
  const scales = params.scales.map((scale, g) => {
    const group = grouped.subarray(g * length, (g + 1) * length);
    const zero = params.zeroPoints[g];
    return descend(kernels, group, scale, row.qmin - zero, row.qmax - zero);
  });
  return { ...params, scales };
}

function descend(kernels: Kernels, values: Float32Array, start: number, low: number, high: number): number {
  let [best, least, scale] = [start, Infinity, start];
  for (let round = 0; round <= ROUNDS; round++) {
    const share = 1 / (FIRST_WEIGHT * GROWTH ** round);
    const { norm, product, power } = kernels.shrinkSums(values, { scale, low, high }, share);
    const objective = norm * scale ** 0.75;
    if (objective < least) [best, least] = [scale, objective];
    const next = Math.fround((scale * product) / power);
    if (!(next > 0) || !Number.isFinite(next) || next === scale) break;
    scale = next;
  }
  return best;
}

/** The values group after group, each filled up with zeros, which are on every grid. */
function regroup(values: Float32Array, shape: BlockShape): { grouped: Float32Array; length: number } {
  const count = scaleCount(shape);
  const most = shape.block === undefined ? blockSize(shape) / count : Math.min(shape.block, shape.channels);
  const length = Math.ceil(most / LANES) * LANES;
  const grouped = new Float32Array(count * length);
  const filled = new Uint32Array(count);
  eachRun(shape, (group, start, end) => {
    grouped.set(values.subarray(start, end), group * length + filled[group]);
    filled[group] += end - start;
  });
  return { grouped, length };
}
