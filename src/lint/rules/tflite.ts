import type { Dtype } from '../../ir/dtypes.js';
import { isOp } from '../../ir/graph.js';
import { elementCount, intValues, tensorBytes } from '../../ir/tensor.js';
import { channelAxis, products, weightOf } from '../layers.js';
import { type Grid, nodes, type Scope, type Subject } from '../subject.js';
import type { Rule, Spot } from '../types.js';
import { biasScales } from './bias.js';
import { perGrid } from './standard.js';

const SPEC = 'LiteRT 8-bit quantization specification';
const ERROR = { tflite: 'error' } as const;
const TYPES: readonly (Dtype | undefined)[] = ['int8', 'int16'];
const WEIGHTS: readonly (Dtype | undefined)[] = ['int8', 'int4', 'int32', 'int64'];

/** Output grids that the specification fixes: scale and zero point in int8. */
const FIXED: Record<string, { scale: number; zero: number }> = {
  Softmax: { scale: 1 / 256, zero: -128 },
  Sigmoid: { scale: 1 / 256, zero: -128 },
  Tanh: { scale: 1 / 128, zero: 0 },
};
/** Operators whose outputs have the grid of their inputs. */
const SAME = [
  'MaxPool',
  'Reshape',
  'Transpose',
  'Concat',
  'Pad',
  'Squeeze',
  'Unsqueeze',
  'Slice',
  'Gather',
  'AveragePool',
];

const zeroOf = ({ zero }: Grid): number => (zero ? (intValues(zero)[0] ?? 0) : 0);
const onActivation = ({ quantizes, data }: Grid, scope: Scope): boolean => quantizes && !scope.isFixed(data);
/** The Q that is the only reader of a value. */
const quantizerBehind = (scope: Scope, name: string): Grid | undefined => {
  const uses = scope.uses(name);
  const q = uses.length === 1 ? scope.gridOf(uses[0].node.outputs[0]) : undefined;
  return q?.quantizes ? q : undefined;
};

function* fixedGrids(subject: Subject): Generator<Spot> {
  for (const { node, scope, label } of nodes(subject, ...Object.keys(FIXED))) {
    const q = quantizerBehind(scope, node.outputs[0]);
    const { scale, zero } = FIXED[node.opType];
    if (!q?.scales || q.dtype !== 'int8') continue;
    if (Math.abs(q.scales[0] / scale - 1) > 1e-6 || zeroOf(q) !== zero)
      yield {
        message: `${node.opType} has scale ${q.scales[0]} and zero point ${zeroOf(q)}, not 1/${1 / scale} and ${zero}`,
        node: label,
      };
  }
}

function* sameGrids(subject: Subject): Generator<Spot> {
  for (const { node, scope, label } of nodes(subject, ...SAME)) {
    const q = quantizerBehind(scope, node.outputs[0]);
    const read = (isOp(node, 'Concat') ? node.inputs : node.inputs.slice(0, 1)).map((name) =>
      scope.gridOf(name),
    );
    const other = read.find(
      (dq) => dq && !dq.quantizes && dq.scales && q?.scales && dq.scales[0] !== q.scales[0],
    );
    if (other)
      yield {
        message: `${node.opType} reads scale ${other.scales![0]} and writes ${q!.scales![0]}`,
        node: label,
      };
  }
}

function* fullyConnected(subject: Subject): Generator<Spot> {
  for (const product of products(subject)) {
    const dq = weightOf(product);
    if (!dq?.constant || !dq.scale || elementCount(dq.scale.dims) < 2) continue;
    const wanted = channelAxis(product, dq.constant);
    const direct = product.sides.some((s) => s.dq === dq && s.name === dq.output);
    if (direct && wanted !== undefined && (dq.axis ?? 1) !== wanted)
      yield {
        message: `scales lie along axis ${dq.axis ?? 1}, output channels along ${wanted}`,
        node: product.label,
        tensor: dq.data,
      };
  }
}

const lowestCode = ({ constant, dtype, quantizes }: Grid): boolean =>
  !quantizes && constant !== undefined && dtype === 'int8' && tensorBytes(constant).includes(0x80);

export const TFLITE: readonly Rule[] = [
  {
    id: 'tflite-activation-type',
    what: 'activations are int8, or int16',
    why: 'integer kernels exist for these only; uint8 is of the specification before 2020',
    fix: 'quantize activations to int8 (-s int8-int8-perchannel)',
    source: SPEC,
    for: ERROR,
    check: perGrid(
      (g, scope) =>
        onActivation(g, scope) && g.dtype && !TYPES.includes(g.dtype) && `its codes are ${g.dtype}`,
    ),
  },
  {
    id: 'tflite-int16-zero',
    what: 'int16 activations have a zero point of zero',
    why: 'the 16×8 kernels have no term for it',
    fix: 'centre ranges on zero (--symmetric)',
    source: SPEC,
    for: ERROR,
    check: perGrid(
      (g, scope) =>
        onActivation(g, scope) && g.dtype === 'int16' && !g.zeroIsZero && 'its zero point is not zero',
    ),
  },
  {
    id: 'tflite-activation-scale',
    what: 'activations have one scale a tensor',
    why: 'kernels take one multiplier for an input',
    fix: 'quantize activations per tensor',
    source: SPEC,
    for: ERROR,
    check: perGrid(
      (g, scope) =>
        onActivation(g, scope) &&
        g.scale !== undefined &&
        elementCount(g.scale.dims) > 1 &&
        'several scales on an activation',
    ),
  },
  {
    id: 'tflite-weight-type',
    what: 'weights are int8 or int4',
    why: 'integer kernels exist for these only',
    fix: 'choose --scheme int8-int8-perchannel',
    source: SPEC,
    for: ERROR,
    check: perGrid(
      (g, scope) =>
        !g.quantizes &&
        scope.isWeight(g) &&
        g.dtype &&
        !WEIGHTS.includes(g.dtype) &&
        `its codes are ${g.dtype}`,
    ),
  },
  {
    id: 'tflite-weight-zero',
    what: 'weights have a zero point of zero',
    why: 'kernels subtract none from weights',
    fix: 'quantize weights symmetrically',
    source: SPEC,
    for: ERROR,
    check: perGrid(
      (g, scope) => !g.quantizes && scope.isWeight(g) && !g.zeroIsZero && 'its zero point is not zero',
    ),
  },
  {
    id: 'tflite-weight-range',
    what: 'weights lie in −127…127',
    why: 'kernels add products in pairs of int16, which −128 · −128 · 2 overflows',
    fix: 'quantize with scale max|w| / 127',
    source: SPEC,
    for: ERROR,
    check: perGrid((g) => lowestCode(g) && 'holds the code −128'),
  },
  {
    id: 'tflite-weight-axis',
    what: 'scales of weights lie along output channels',
    why: 'kernels have one multiplier an output channel',
    fix: 'quantize along the channel axis',
    source: SPEC,
    for: ERROR,
    check: fullyConnected,
  },
  {
    id: 'tflite-fixed-output',
    what: 'Softmax, Sigmoid and Tanh have the output grids that are laid down',
    why: 'kernels hold these grids in their tables',
    fix: 'scale 1/256 and zero point −128 behind Softmax and Sigmoid, 1/128 and 0 behind Tanh',
    source: SPEC,
    for: ERROR,
    check: fixedGrids,
  },
  {
    id: 'tflite-same-grid',
    what: 'operators that move values keep their grid',
    why: 'their kernels copy codes',
    fix: 'share one scale between input and output',
    source: SPEC,
    for: ERROR,
    check: sameGrids,
  },
  {
    id: 'tflite-block',
    what: 'there are no blocks',
    why: 'scales are one a tensor or one a channel',
    fix: 'choose a perchannel scheme',
    source: SPEC,
    for: ERROR,
    check: perGrid(({ block }) => block > 0 && `blocks of ${block}`),
  },
  {
    id: 'bias-scale',
    what: 'the scale of an int32 bias is that of the accumulator',
    why: 'the bias is added to sums of codes as it is',
    fix: 'bias scale = scale of the activation · scale of the weight, zero point 0',
    source: `${SPEC}; onnxruntime, QLinearConv`,
    for: { tflite: 'error', onnxruntime: 'error' },
    check: biasScales,
  },
];
