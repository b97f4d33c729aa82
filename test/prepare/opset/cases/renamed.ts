import { type Case, float, int64s, random, tensor } from '../build.js';
import { one } from './common.js';

const rois = { boxes: tensor([2, 4], [0, 0, 3, 3, 1, 0, 4, 2]), batch: int64s(0, 1) };
const region = { output_height: 2, output_width: 2, spatial_scale: float(0.7) };
const grid = random(2, 3, 3, 2);
export const renamed: Case[] = [
  one(
    '',
    10,
    'RoiAlign',
    { ...region, sampling_ratio: 2 },
    { reads: 'x boxes batch', constants: rois, upTo: 21 },
  ),
  one(
    'max',
    11,
    'RoiAlign',
    { ...region, mode: 'max' },
    { reads: 'x boxes batch', constants: rois, upTo: 21 },
  ),
  ...['bilinear', 'nearest', 'bicubic'].map((mode) =>
    one(mode, 16, 'GridSample', { mode, padding_mode: 'border' }, { reads: 'x g', constants: { g: grid } }),
  ),
  one('default', 16, 'GridSample', {}, { reads: 'x g', constants: { g: grid } }),
];
