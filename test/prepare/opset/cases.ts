import { type Case, float, floats, graph, int64s, node, random, tensor, valueInfo } from './build.js';

const x = random(2, 3, 4, 5);
const INFINITE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e-40, 7];
/** float16 bits: -0.1 and 0.7 rounded, their neighbours, 1 and -infinity. */
const HALVES = [0xae66, 0xae67, 0x399a, 0x3999, 0x3c00, 0xfc00];
const matrix = random(3, 4);
const row = tensor([1, 1, 1, 7], [0, 1, 2, 3, 4, 5, 6]);

type Extra = Partial<Case>;
/** A case of one operator on `x`. */
const one = (
  name: string,
  opset: number,
  op: string,
  attributes: Parameters<typeof node>[3] = {},
  extra: Extra & { reads?: string; makes?: string } = {},
): Case => ({
  name: `${op}-${opset} ${name}`,
  opset,
  nodes: [node(op, extra.reads ?? 'x', extra.makes ?? 'y', attributes)],
  inputs: { x },
  ...extra,
});

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
const scales = (values: number[]) => tensor([values.length], values);
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

const softmaxes = ['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((op) => [
  one('default axis', 8, op),
  one('axis 0', 8, op, { axis: 0 }),
  one('axis 2', 11, op, { axis: 2 }),
  one('last axis', 11, op, { axis: 3 }),
  one('axis -1', 11, op, { axis: -1 }),
  one('axis -2', 12, op, { axis: -2 }),
  one('one wide axis', 9, op, { axis: 1 }, { inputs: { x: random(2, 10, 1, 1) } }),
  one('matrix', 7, op, {}, { inputs: { x: matrix } }),
  one('only ones', 7, op, {}, { inputs: { x: random(3, 1, 1) } }),
  {
    name: `${op}-9 shape known by the producer`,
    opset: 9,
    nodes: [node('Flatten', 'x', 'rows'), node('Relu', 'rows', 'r'), node(op, 'r', 'y')],
    inputs: { x },
  },
]);

const REDUCTIONS =
  'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare';
const reductions = REDUCTIONS.split(' ').flatMap((op) => {
  // The logarithm needs a positive sum.
  const inputs = { x: op === 'ReduceLogSum' ? { ...x, data: (x.data as Float32Array).map(Math.abs) } : x };
  return [
    one('all axes', 8, op, {}, { inputs }),
    one('some axes', 8, op, { axes: [1, 3], keepdims: 0 }, { inputs }),
    one('negative axis', 11, op, { axes: [-2] }, { inputs }),
  ];
});

const shapeInputs: Case[] = [
  one('without axes', 9, 'Slice', { starts: [0, 1], ends: [1, 3] }),
  one('to the largest int64', 7, 'Slice', { starts: [1n], ends: [2n ** 63n - 1n], axes: [3n] }),
  one('nothing', 8, 'Slice', { starts: [], ends: [] }),
  one('nothing', 9, 'Unsqueeze', { axes: [] }),
  one('empty list for all axes', 9, 'ReduceSum', { axes: [] }),
  one('empty list for all axes', 9, 'ReduceMax', { axes: [] }),
  one('with axes, past the end', 7, 'Slice', { starts: [1, -2], ends: [2 ** 40, -1], axes: [3, 1] }),
  one('', 9, 'TopK', { k: 3, axis: 2 }, { makes: 'y i', types: { i: 'int64' } }),
  one(
    'ties',
    8,
    'TopK',
    { k: 3 },
    { makes: 'y i', types: { i: 'int64' }, inputs: { x: tensor([5], [1, 2, 2, 1, 2]) } },
  ),
  one('both bounds', 8, 'Clip', { min: float(-0.1), max: float(1) }),
  one('max only, extreme values', 6 + 1, 'Clip', { max: float(6) }, { inputs: { x: tensor([6], INFINITE) } }),
  one('no bounds, extreme values', 10, 'Clip', {}, { inputs: { x: tensor([6], INFINITE) } }),
  one('min only', 10, 'Clip', { min: float(0.3) }),
  one(
    'float16',
    9,
    'Clip',
    { min: float(-0.1), max: float(0.7) },
    { inputs: { x: tensor([6], HALVES, 'float16') }, types: { y: 'float16' } },
  ),
  one('constant', 8, 'Pad', { pads: [0, 1, 2, 0, 0, 0, 1, 3], value: float(0.7) }),
  one('default value', 10, 'Pad', { pads: [0, 1, 2, 0, 0, 0, 1, 3] }),
  one('negative', 7, 'Pad', { pads: [0, 0, -1, 1, 0, -1, 0, -2] }),
  one('reflect', 7, 'Pad', { mode: 'reflect', pads: [0, 0, 2, 1, 0, 0, 1, 2] }),
  one('edge', 9, 'Pad', { mode: 'edge', pads: [0, 0, 2, 1, 0, 0, 1, 2] }),
  one(
    'float64',
    9,
    'Pad',
    { pads: [1, 1], value: float(0.7) },
    {
      inputs: { x: tensor([2], [1, 2], 'float64') },
      types: { y: 'float64' },
    },
  ),
  one('', 7, 'Dropout', { ratio: float(0.4) }),
  one('mask in use', 7, 'Dropout', { ratio: float(0.4) }, { makes: 'y m' }),
  one('mask in use', 10, 'Dropout', {}, { makes: 'y m', types: { m: 'bool' } }),
  { ...one('mask unused', 9, 'Dropout', {}, { makes: 'y m' }), outputs: ['y'] },
  one('axes', 8, 'Squeeze', { axes: [0, 2] }, { inputs: { x: random(1, 3, 1, 1) } }),
  one('all', 11, 'Squeeze', {}, { inputs: { x: random(1, 3, 1, 1) } }),
  one('', 8, 'Unsqueeze', { axes: [0, 3] }, { inputs: { x: matrix } }),
  one('negative', 11, 'Unsqueeze', { axes: [-1] }, { inputs: { x: matrix } }),
  one('equal', 7, 'Split', { axis: 2 }, { makes: 'a b' }),
  one('given', 11, 'Split', { axis: -1, split: [1, 3, 1] }, { makes: 'a b c' }),
  one('equal', 13, 'Split', { axis: 2 }, { makes: 'a b' }),
  one('', 17, 'DFT', {}, { inputs: { x: random(1, 6, 4, 1) } }),
  one(
    'axis 2 of given length',
    19,
    'DFT',
    { axis: 2, inverse: 1 },
    {
      reads: 'x n',
      inputs: { x: random(1, 6, 4, 2) },
      constants: { n: tensor([], [8], 'int64') },
    },
  ),
];

const resizes: Case[] = [
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
const normalisation: Case[] = [
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

/** onnxruntime computes the experimental operator's function by other code, each good to about 2 units in the last place, 2^-23 each. */
const OTHER_CODE = {
  bound: 8 * 2 ** -24,
  from: 9,
  why: 'another implementation of tanh and of log(exp + 1)',
};

const ROUNDINGS = ['floor', 'ceil', 'round_prefer_floor', 'round_prefer_ceil'];
const COORDINATES = ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'];
const plane = { inputs: { x: random(1, 2, 5, 7) } };
const resize11 = (name: string, attributes: Parameters<typeof node>[3], by: number[]): Case =>
  one(name, 11, 'Resize', attributes, {
    reads: 'x r s',
    ...plane,
    constants: { r: tensor([0], []), s: scales(by) },
  });
/** onnxruntime rewrote parts of Resize for 13 and 18. */
const laterResizes: Case[] = [
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

const removed: Case[] = [
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

/**
 * From 19 on onnxruntime sums the window one value after the other, before in vector lanes: with n values each order
 * errs by at most (n - 1) units of 2^-24 of their absolute sum, so the means differ by at most 2(n - 1) · 2^-24 of
 * the largest |x|, which is below 3, and the largest mean here is above 1.
 */
const summed = (n: number) => ({ bound: 3 * 2 * (n - 1) * 2 ** -24, from: 19, why: 'sums in another order' });
const pools = [
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

const rois = { boxes: tensor([2, 4], [0, 0, 3, 3, 1, 0, 4, 2]), batch: int64s(0, 1) };
const region = { output_height: 2, output_width: 2, spatial_scale: float(0.7) };
const grid = random(2, 3, 3, 2);
const renamed: Case[] = [
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

/** state + step → state; the step's sum also goes out. */
const sumBody = () =>
  graph(
    [node('Add', 's v', 'sum'), node('Clip', 'sum', 'so', { max: float(40) }), node('Identity', 'so', 'out')],
    [valueInfo('s', 'float32', [1]), valueInfo('v', 'float32', [1])],
    [valueInfo('so', 'float32', [1]), valueInfo('out', 'float32', [1])],
  );
const scan = (name: string, reads: string, directions: number[], lengths?: number[]): Case =>
  one(
    name,
    8,
    'Scan',
    { num_scan_inputs: 1, directions, body: sumBody() },
    {
      reads,
      makes: 'last all',
      inputs: { s0: tensor([2, 1], [10, 20]), x: tensor([2, 4, 1], [1, 2, 3, 4, 5, 6, 7, 8]) },
      downTo: lengths && 13,
      constants: lengths && { n: int64s(...lengths) },
    },
  );
const scans: Case[] = [
  scan('forward', '_ s0 x', [0]),
  scan('backward', '_ s0 x', [1]),
  scan('lengths', 'n s0 x', [0], [2, 4]),
  scan('lengths, backward', 'n s0 x', [1], [4, 1]),
  one(
    'no state, two inputs, matrix steps',
    8,
    'Scan',
    {
      num_scan_inputs: 2,
      body: graph(
        [node('Mul', 'a b', 'p'), node('ReduceMax', 'p', 'q', { axes: [0] })],
        [valueInfo('a', 'float32', [2, 3]), valueInfo('b', 'float32', [2, 3])],
        [valueInfo('p'), valueInfo('q')],
      ),
    },
    {
      reads: 'n x x',
      makes: 'p q',
      inputs: { x: random(2, 3, 2, 3) },
      constants: { n: int64s(3, 2) },
      downTo: 13,
    },
  ),
];

const inner = (bound: number) =>
  graph(
    [node('Softmax', 'x', 'soft', { axis: 1 }), node('Clip', 'soft', `y${bound}`, { max: float(bound) })],
    [],
    [valueInfo(`y${bound}`)],
  );
const nested: Case[] = [
  ...[1, 0].map((choice) =>
    one(
      `branch ${choice}, reading the outer graph`,
      10,
      'If',
      { then_branch: inner(0.01), else_branch: inner(0.02) },
      {
        reads: 'c',
        inputs: { x, c: tensor([], [choice], 'bool') },
      },
    ),
  ),
  one(
    'body',
    9,
    'Loop',
    {
      body: graph(
        [
          node('Slice', 'v', 'w', { starts: [0], ends: [3], axes: [1] }),
          node('Unsqueeze', 'w', 'u', { axes: [0] }),
          node('Identity', 'go', 'goOn'),
        ],
        [valueInfo('i', 'int64', []), valueInfo('go', 'bool', []), valueInfo('v', 'float32')],
        [valueInfo('goOn', 'bool'), valueInfo('w'), valueInfo('u')],
      ),
    },
    {
      reads: 'n c x',
      makes: 'y all',
      constants: { n: tensor([], [2], 'int64'), c: tensor([], [1], 'bool') },
      inputs: { x: matrix },
    },
  ),
];

/** Operators whose rows in unchanged.ts say that nothing changed: those that onnxruntime gave new code. */
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
const additive: Case[] = [
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

/** At least one case for every adapter; a test checks it. */
export const CASES: readonly Case[] = [
  ...shapeInputs,
  ...reductions,
  ...resizes,
  ...laterResizes,
  ...softmaxes,
  ...normalisation,
  ...removed,
  ...renamed,
  ...pools,
  ...additive,
  ...scans,
  ...nested,
];
