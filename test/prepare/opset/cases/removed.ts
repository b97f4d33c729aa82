import { type Case, float, floats, int64s, random, tensor } from '../build.js';
import { matrix, one } from './common.js';

/** onnxruntime computes the experimental operator by other code; each is good to about 2 units of 2^-23. */
const OTHER_CODE = {
  bound: 8 * 2 ** -24,
  from: 9,
  why: 'another implementation of tanh and of log(exp + 1)',
};

export const removed: Case[] = [
  one(
    '',
    9,
    'Scatter',
    { axis: 1 },
    {
      reads: 'x i u',
      inputs: { x: matrix },
      constants: { i: tensor([3, 2], [0, 1, 2, 3, 1, 0], 'int64'), u: random(3, 2) },
    },
  ),
  one('', 9, 'DynamicSlice', {}, { reads: 'x s e', constants: { s: int64s(0, 1), e: int64s(1, 3) } }),
  one(
    'axes',
    7,
    'DynamicSlice',
    {},
    {
      reads: 'x s e a',
      constants: { s: int64s(0, 1), e: int64s(-1, 3), a: int64s(3, 2) },
    },
  ),
  one('', 9, 'Affine', { alpha: float(1.3), beta: float(0.7) }),
  one('defaults', 7, 'Affine'),
  one('', 9, 'Scale', { scale: float(1.7) }),
  one('defaults', 9, 'Scale'),
  one('', 7, 'ImageScaler', { scale: float(1.3), bias: floats(0.1, -0.2, 0.3) }),
  one('', 8, 'ScaledTanh', { alpha: float(1.7), beta: float(0.6) }, { tolerance: OTHER_CODE }),
  one('', 8, 'ParametricSoftplus', { alpha: float(1.7), beta: float(0.6) }, { tolerance: OTHER_CODE }),
  one('', 7, 'Crop', { border: [1, 0, 2, 1] }),
  one('no border on the far side', 7, 'Crop', { border: [1, 2, 0, 0] }),
  one('size', 9, 'Crop', { border: [1, 2, 0, 0], scale: [2, 3] }),
];
