import { random } from '../build.js';
import { one } from './common.js';

/**
 * From 19 on onnxruntime sums the window one value after the other, before in vector lanes: with n values each order
 * errs by at most (n - 1) units of 2^-24 of their absolute sum, so the means differ by at most 2(n - 1) · 2^-24 of
 * the largest |x|, which is below 3, and the largest mean here is above 1.
 */
const summed = (n: number) => ({ bound: 3 * 2 * (n - 1) * 2 ** -24, from: 19, why: 'sums in another order' });
export const pools = [
  one('', 7, 'AveragePool', { kernel_shape: [3, 2], strides: [2, 2] }, { tolerance: summed(6) }),
  one(
    'padding counted, ceil_mode',
    10,
    'AveragePool',
    { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 1, 0, 1], ceil_mode: 1, count_include_pad: 1 },
    { tolerance: summed(6) },
  ),
  one(
    'SAME_LOWER',
    7,
    'AveragePool',
    { kernel_shape: [3, 3], auto_pad: 'SAME_LOWER' },
    { tolerance: summed(9) },
  ),
  one('', 7, 'MaxPool', { kernel_shape: [3, 2], strides: [2, 2] }),
  one(
    'indices',
    8,
    'MaxPool',
    { kernel_shape: [2, 2], auto_pad: 'SAME_UPPER' },
    { makes: 'y i', types: { i: 'int64' } },
  ),
  one('', 7, 'LpPool', { kernel_shape: [2, 2], p: 3, pads: [1, 0, 1, 0] }),
  one(
    'SAME_UPPER',
    7,
    'ConvTranspose',
    { strides: [2, 3], auto_pad: 'SAME_UPPER' },
    {
      reads: 'x w',
      constants: { w: random(3, 2, 3, 3) },
    },
  ),
];
