import { type Case, floats, int64s, type node, random, tensor } from '../build.js';
import { one, plane, row, scales } from './common.js';

const upsample = (name: string, values: number[], mode = 'nearest', input = row): Case[] => [
  one(name, 7, 'Upsample', { mode, scales: floats(...values) }, { inputs: { x: input } }),
  one(
    name,
    9,
    'Upsample',
    { mode },
    { reads: 'x s', inputs: { x: input }, constants: { s: scales(values) } },
  ),
];

const resize = (name: string, values: number[], mode = 'nearest', input = row): Case[] => [
  one(name, 10, 'Resize', { mode }, { reads: 'x s', inputs: { x: input }, constants: { s: scales(values) } }),
  one(
    `${name}, scales at run time`,
    10,
    'Resize',
    { mode },
    { reads: 'x s', inputs: { x: input, s: scales(values) } },
  ),
];

export const resizes: Case[] = [
  ...upsample('×2', [1, 1, 1, 2]),
  ...upsample('×1.6', [1, 1, 1, 1.6]),
  ...upsample('linear', [1, 1, 2, 2.5], 'linear', random(1, 2, 4, 5)),
  ...resize('grows', [1, 1, 1, 1.7]),
  ...resize('shrinks', [1, 1, 1, 0.6]),
  ...resize('shrinks by an odd ratio', [1, 1, 1, 0.43]),
  ...resize('grows and shrinks', [1, 1, 1.6, 0.6], 'nearest', random(1, 2, 5, 7)),
  ...resize('linear', [1, 1, 1.6, 0.6], 'linear', random(1, 2, 5, 7)),
  ...[2, 3.5, 0.5, 0.7, 1.3].map((by) =>
    one(
      `tf_half_pixel_for_nn ×${by}`,
      11,
      'Resize',
      {
        coordinate_transformation_mode: 'tf_half_pixel_for_nn',
        nearest_mode: 'floor',
      },
      { reads: 'x r s', inputs: { x: row }, constants: { r: tensor([0], []), s: scales([1, 1, 1, by]) } },
    ),
  ),
  one(
    'tf_half_pixel_for_nn, rounded otherwise',
    12,
    'Resize',
    {
      coordinate_transformation_mode: 'tf_half_pixel_for_nn',
      nearest_mode: 'ceil',
    },
    { reads: 'x r s', inputs: { x: row }, constants: { r: tensor([0], []), s: scales([1, 1, 1, 2]) } },
  ),
];

const ROUNDINGS = ['floor', 'ceil', 'round_prefer_floor', 'round_prefer_ceil'];
const COORDINATES = ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'];
const resize11 = (name: string, attributes: Parameters<typeof node>[3], by: number[]): Case =>
  one(name, 11, 'Resize', attributes, {
    reads: 'x r s',
    ...plane,
    constants: { r: tensor([0], []), s: scales(by) },
  });
/** onnxruntime rewrote parts of Resize for 13 and 18. */
export const laterResizes: Case[] = [
  ...ROUNDINGS.flatMap((nearest_mode) =>
    COORDINATES.map((coordinate_transformation_mode) =>
      resize11(
        `nearest ${nearest_mode} ${coordinate_transformation_mode}`,
        {
          nearest_mode,
          coordinate_transformation_mode,
        },
        [1, 1, 1.7, 0.6],
      ),
    ),
  ),
  ...['linear', 'cubic'].flatMap((mode) =>
    COORDINATES.map((coordinate_transformation_mode) =>
      resize11(
        `${mode} ${coordinate_transformation_mode}`,
        { mode, coordinate_transformation_mode },
        [1, 1, 1.7, 0.6],
      ),
    ),
  ),
  one(
    'to sizes',
    11,
    'Resize',
    { mode: 'linear' },
    {
      reads: 'x r s n',
      ...plane,
      constants: { r: tensor([0], []), s: tensor([0], []), n: int64s(1, 2, 9, 4) },
    },
  ),
];
