import { type Case, float, int64s, random, tensor } from '../build.js';
import { INFINITE, matrix, one } from './common.js';

const lstm = (op: string, gates: number): Case =>
  one(
    '',
    7,
    op,
    { hidden_size: 3 },
    {
      reads: 'x w r b',
      makes: 'y h',
      inputs: { x: random(4, 2, 5) },
      constants: { w: random(1, gates * 3, 5), r: random(1, gates * 3, 3), b: random(1, gates * 6) },
    },
  );
const extremes = { x: tensor([6], INFINITE), z: tensor([6], [1, Number.NaN, 3, 0, 0, -7]) };
/** Operators whose rows in unchanged.ts say that nothing changed: onnxruntime has other code for some. */
export const additive: Case[] = [
  lstm('LSTM', 4),
  lstm('GRU', 3),
  lstm('RNN', 1),
  ...['Max', 'Min', 'Sum', 'Mean'].map((op) =>
    one('extreme values', 7, op, {}, { reads: 'x z', inputs: extremes }),
  ),
  one(
    'negative and outlying indices',
    9,
    'OneHot',
    {},
    {
      reads: 'x d v',
      inputs: { x: int64s(-1, 0, 2, 5, -7) },
      constants: { d: int64s(3), v: tensor([2], [0, 1]) },
    },
  ),
  one(
    'ties',
    7,
    'ArgMax',
    { axis: 0, keepdims: 0 },
    { inputs: { x: tensor([4], [1, 3, 3, 2]) }, types: { y: 'int64' } },
  ),
  one('', 7, 'PRelu', {}, { reads: 'x s', constants: { s: random(3, 1, 1) } }),
  one('', 9, 'Flatten', { axis: 2 }),
  one(
    '',
    7,
    'Gemm',
    { transB: 1, alpha: float(0.7) },
    {
      reads: 'x w b',
      inputs: { x: matrix },
      constants: { w: random(5, 4), b: random(5) },
    },
  ),
  one('', 9, 'ThresholdedRelu', { alpha: float(0.4) }),
  one('', 9, 'Shrink', { lambd: float(0.4), bias: float(0.1) }),
  one(
    '',
    10,
    'QuantizeLinear',
    {},
    {
      reads: 'x s z',
      constants: { s: tensor([], [0.02]), z: tensor([], [3], 'uint8') },
      types: { y: 'uint8' },
    },
  ),
  one(
    '',
    10,
    'DequantizeLinear',
    {},
    {
      reads: 'x s',
      inputs: { x: tensor([4], [-128, -1, 0, 127], 'int8') },
      constants: { s: tensor([], [0.02]) },
    },
  ),
];
