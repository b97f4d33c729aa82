import { makeAttribute } from '../../../ir/graph.js';
import type { Attribute } from '../../../ir/model.js';
import type { Operation } from '../program.js';
import { type Lifter, refuse } from './lifter.js';
import type { Lift, Lifts } from './types.js';

/** [b0, e0, b1, e1, …] → ONNX's [b0, b1, …, e0, e1, …]. */
const sides = (pad: number[]): number[] => [
  ...pad.filter((_, i) => i % 2 === 0),
  ...pad.filter((_, i) => i % 2 === 1),
];

function window(o: Operation, l: Lifter): Attribute[] {
  if (l.text(o, 'pad_type') !== 'custom') refuse(o, 'has another pad_type than custom');
  return [
    makeAttribute.ints('strides', l.numbers(o, 'strides')),
    makeAttribute.ints('pads', sides(l.numbers(o, 'pad'))),
  ];
}

const convolution =
  (op: string): Lift =>
  (o, l) => {
    const bias = l.optional(o, 'bias');
    const attributes = [
      ...window(o, l),
      makeAttribute.ints('dilations', l.numbers(o, 'dilations')),
      makeAttribute.int('group', l.number(o, 'groups')),
    ];
    l.finish(o, op, [l.input(o, 'x'), l.input(o, 'weight'), ...(bias ? [bias] : [])], attributes);
  };

const pool =
  (op: string, more: (o: Operation, l: Lifter) => Attribute[]): Lift =>
  (o, l) => {
    const kernel = makeAttribute.ints('kernel_shape', l.numbers(o, 'kernel_sizes'));
    l.finish(o, op, [l.input(o, 'x')], [kernel, ...window(o, l), ...more(o, l)]);
  };

/** x · Wᵀ + b. */
const linear: Lift = (o, l) => {
  const weight = l.step('Transpose', [l.input(o, 'weight')], [makeAttribute.ints('perm', [1, 0])]);
  const bias = l.optional(o, 'bias');
  if (!bias) return l.finish(o, 'MatMul', [l.input(o, 'x'), weight]);
  return l.finish(o, 'Add', [l.step('MatMul', [l.input(o, 'x'), weight]), bias]);
};

const matmul: Lift = (o, l) => {
  const side = (name: string) => {
    const value = l.input(o, name);
    if (!l.flag(o, `transpose_${name}`)) return value;
    const rank = l.dims(o, name).length;
    const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
    return l.step('Transpose', [value], [makeAttribute.ints('perm', perm)]);
  };
  l.finish(o, 'MatMul', [side('x'), side('y')]);
};

const epsilon = (o: Operation, l: Lifter) => makeAttribute.float('epsilon', l.number(o, 'epsilon'));

/** Axes are the last ones; a missing gamma is one. */
const layerNorm: Lift = (o, l) => {
  const [axis] = l.numbers(o, 'axes');
  const x = l.input(o, 'x');
  const shape = l.dims(o, 'x').slice(axis);
  const one = () => l.step('Expand', [l.step('CastLike', [l.scalar64(1), x]), l.shape(shape)]);
  const beta = l.optional(o, 'beta');
  const inputs = [x, l.optional(o, 'gamma') || one(), ...(beta ? [beta] : [])];
  l.finish(o, 'LayerNormalization', inputs, [makeAttribute.int('axis', axis), epsilon(o, l)]);
};

/** Positions, in Core ML's order of gates, of the gates in ONNX's. */
const LSTM_GATES = [0, 2, 1, 3];
const GRU_GATES = [2, 0, 1];

/** Rows in ONNX's order of gates, with the axis of directions in front. */
function gates(o: Operation, l: Lifter, names: string[], order: number[]): string {
  const parts = names.map((name) => {
    const rows = l.dims(o, name)[0] / order.length;
    const indices = order.flatMap((gate) => [...Array(rows).keys()].map((r) => gate * rows + r));
    const turned = l.step('Gather', [l.input(o, name), l.shape(indices)]);
    return l.step('Unsqueeze', [turned, l.shape([0])]);
  });
  return parts.length === 1 ? parts[0] : l.step('Concat', parts, [makeAttribute.int('axis', 0)]);
}

/** [B, D·H] → [D, B, H], and for sequences [S, D, B, H] → [S, B, D·H]. */
function unfold(o: Operation, l: Lifter, name: string, directions: number): string {
  const [batch, width] = l.dims(o, name);
  const split = l.step('Reshape', [l.input(o, name), l.shape([batch, directions, width / directions])]);
  return l.step('Transpose', [split], [makeAttribute.ints('perm', [1, 0, 2])]);
}

interface Recurrent {
  op: 'LSTM' | 'GRU';
  order: number[];
  bias(o: Operation, l: Lifter, directions: string[]): string;
  more(o: Operation, l: Lifter): Attribute[];
}

const recurrent =
  ({ op, order, bias, more }: Recurrent): Lift =>
  (o, l) => {
    const suffixes = l.optional(o, 'weight_ih_back') ? ['', '_back'] : [''];
    const named = (name: string) => suffixes.map((s) => `${name}${s}`);
    const states = op === 'LSTM' ? ['initial_h', 'initial_c'] : ['initial_h'];
    const inputs = [
      l.input(o, 'x'),
      gates(o, l, named('weight_ih'), order),
      gates(o, l, named('weight_hh'), order),
      bias(o, l, suffixes),
      '',
      ...states.map((s) => unfold(o, l, s, suffixes.length)),
    ];
    const made = o.outputs.map(() => l.fresh());
    const hidden = l.dims(o, 'weight_hh')[1];
    const attributes = [
      makeAttribute.int('hidden_size', hidden),
      makeAttribute.string('direction', l.text(o, 'direction')),
      ...more(o, l),
    ];
    l.nodes.push({ opType: op, inputs, outputs: made, attributes });
    o.outputs.forEach((output, i) => {
      const perm = i === 0 ? [0, 2, 1, 3] : [1, 0, 2];
      const turned = l.step('Transpose', [made[i]], [makeAttribute.ints('perm', perm)]);
      l.finish({ ...o, outputs: [output] }, 'Reshape', [turned, l.shape(output.dims)]);
    });
  };

/** [bias of the input, bias of the state]; one of them is zero where Core ML has their sum. */
const joined = (l: Lifter, own: string, state: string): string => {
  const axis = [makeAttribute.int('axis', 1)];
  return l.step('Concat', [own, state], axis);
};

const lstm: Recurrent = {
  op: 'LSTM',
  order: LSTM_GATES,
  bias(o, l, suffixes) {
    const sum = gates(
      o,
      l,
      suffixes.map((s) => `bias${s}`),
      LSTM_GATES,
    );
    return joined(l, sum, l.step('Sub', [sum, sum]));
  },
  more: () => [],
};

const gru: Recurrent = {
  op: 'GRU',
  order: GRU_GATES,
  bias(o, l) {
    const state = gates(o, l, ['bias'], GRU_GATES);
    const apart = l.optional(o, 'input_bias') !== '';
    return apart
      ? joined(l, gates(o, l, ['input_bias'], GRU_GATES), state)
      : joined(l, state, l.step('Sub', [state, state]));
  },
  more: (o, l) => [
    makeAttribute.int(
      'linear_before_reset',
      l.optional(o, 'reset_after') && l.flag(o, 'reset_after') ? 1 : 0,
    ),
  ],
};

export const LAYERS: Lifts = {
  conv: convolution('Conv'),
  conv_transpose: convolution('ConvTranspose'),
  linear,
  matmul,
  einsum: (o, l) =>
    l.finish(o, 'Einsum', l.list(o, 'values'), [makeAttribute.string('equation', l.text(o, 'equation'))]),
  max_pool: pool('MaxPool', () => []),
  avg_pool: pool('AveragePool', (o, l) => [
    makeAttribute.int('count_include_pad', l.flag(o, 'exclude_padding_from_average') ? 0 : 1),
  ]),
  batch_norm: (o, l) =>
    l.finish(
      o,
      'BatchNormalization',
      ['x', 'gamma', 'beta', 'mean', 'variance'].map((n) => l.input(o, n)),
      [epsilon(o, l)],
    ),
  instance_norm: (o, l) =>
    l.finish(
      o,
      'InstanceNormalization',
      ['x', 'gamma', 'beta'].map((n) => l.input(o, n)),
      [epsilon(o, l)],
    ),
  layer_norm: layerNorm,
  local_response_norm: (o, l) =>
    l.finish(
      o,
      'LRN',
      [l.input(o, 'x')],
      [
        makeAttribute.int('size', l.number(o, 'size')),
        makeAttribute.float('alpha', l.number(o, 'alpha')),
        makeAttribute.float('beta', l.number(o, 'beta')),
        makeAttribute.float('bias', l.number(o, 'k')),
      ],
    ),
  lstm: recurrent(lstm),
  gru: recurrent(gru),
};
