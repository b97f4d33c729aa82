import { type Case, float, random } from '../build.js';
import { matrix, one } from './common.js';

const positive = (...dims: number[]) => {
  const t = random(...dims);
  return { ...t, data: (t.data as Float32Array).map((v) => Math.abs(v) + 0.1) };
};
const statistics = (...dims: number[]) => ({
  scale: random(...dims),
  bias: random(...dims),
  mean: random(...dims),
  variance: positive(...dims),
});
/** Two orders of summing 40 values below 3, each good to 39 units of 2^-24; the largest result is above 3. */
const MEAN_OF_40 = { bound: 2 * 39 * 2 ** -24, from: 9, why: 'the mean is summed in another order' };
export const normalisation: Case[] = [
  one(
    '',
    7,
    'BatchNormalization',
    { epsilon: float(1e-3), momentum: float(0.8) },
    {
      reads: 'x scale bias mean variance',
      constants: statistics(3),
    },
  ),
  one(
    'spatial 1',
    8,
    'BatchNormalization',
    { spatial: 1 },
    {
      reads: 'x scale bias mean variance',
      constants: statistics(3),
    },
  ),
  one(
    'spatial 0',
    7,
    'BatchNormalization',
    { spatial: 0 },
    {
      reads: 'x scale bias mean variance',
      constants: statistics(3, 4, 5),
    },
  ),
  one('', 9, 'BatchNormalization', {}, { reads: 'x scale bias mean variance', constants: statistics(3) }),
  one('', 8, 'MeanVarianceNormalization'),
  one('across channels', 7, 'MeanVarianceNormalization', { across_channels: 1 }),
  one('volume', 8, 'MeanVarianceNormalization', {}, { inputs: { x: random(2, 3, 2, 2, 2) } }),
  one('matrix', 8, 'MeanVarianceNormalization', { across_channels: 1 }, { inputs: { x: matrix } }),
  one('mean only', 8, 'MeanVarianceNormalization', { normalize_variance: 0 }, { tolerance: MEAN_OF_40 }),
  one('mean only, across channels', 8, 'MeanVarianceNormalization', {
    normalize_variance: 0,
    across_channels: 1,
  }),
  one(
    '',
    18,
    'GroupNormalization',
    { num_groups: 2 },
    {
      reads: 'x scale bias',
      inputs: { x: random(2, 6, 3, 4) },
      constants: { scale: random(2), bias: random(2) },
    },
  ),
];
