import { makeAttribute } from '../../../ir/graph.js';
import type { Attribute } from '../../../ir/model.js';
import { castTo, refuse } from './lifter.js';
import type { Lift, Lifts } from './types.js';

const int = makeAttribute.int;

/** Masks stand for "from the start" and "to the end"; squeeze_mask drops an axis. */
const slice: Lift = (o, l) => {
  const dims = l.dims(o, 'x');
  const steps = l.numbers(o, 'stride');
  const mask = (name: string) => l.numbers(o, name);
  const end = mask('end_mask');
  const open = steps.map((s) => (s > 0 ? 2 ** 31 - 1 : -(2 ** 31)));
  const ends = l.numbers(o, 'end').map((e, i) => (end[i] ? open[i] : e));
  if (mask('begin_mask').some(Boolean)) refuse(o, 'has a begin_mask');
  const inputs = [
    l.input(o, 'x'),
    l.shape(l.numbers(o, 'begin')),
    l.shape(ends),
    l.shape([...dims.keys()]),
    l.shape(steps),
  ];
  const dropped = mask('squeeze_mask').flatMap((m, i) => (m ? [i] : []));
  if (dropped.length === 0) return l.finish(o, 'Slice', inputs);
  return l.finish(o, 'Squeeze', [l.step('Slice', inputs), l.shape(dropped)]);
};

const PAD_MODES: Record<string, string> = { constant: 'constant', reflect: 'reflect', replicate: 'edge' };

/** Pads of the last axes; the ones in front have none. */
const pad: Lift = (o, l) => {
  const rank = l.dims(o, 'x').length;
  const given = l.numbers(o, 'pad');
  const all = [...Array<number>(2 * rank - given.length).fill(0), ...given];
  const pads = [...all.filter((_, i) => i % 2 === 0), ...all.filter((_, i) => i % 2 === 1)];
  const mode = makeAttribute.string('mode', PAD_MODES[l.text(o, 'mode')]);
  l.finish(o, 'Pad', [l.input(o, 'x'), l.shape(pads), l.input(o, 'constant_val')], [mode]);
};

const withShape =
  (op: string, name: string): Lift =>
  (o, l) =>
    l.finish(o, op, [l.input(o, 'x'), l.shape(l.numbers(o, name))]);

const reduction =
  (op: string): Lift =>
  (o, l) =>
    l.finish(
      o,
      op,
      [l.input(o, 'x'), l.shape(l.numbers(o, 'axes'))],
      [int('keepdims', l.number(o, 'keep_dims'))],
    );

/** ONNX's indices are int64. */
const extreme =
  (op: string): Lift =>
  (o, l) => {
    const attributes = [int('axis', l.number(o, 'axis')), int('keepdims', l.number(o, 'keep_dims'))];
    l.finish(o, 'Cast', [l.step(op, [l.input(o, 'x')], attributes)], [castTo('int32')]);
  };

const topK: Lift = (o, l) => {
  const attributes = [int('axis', l.number(o, 'axis')), int('largest', l.flag(o, 'ascending') ? 0 : 1)];
  const indices = l.fresh();
  const [values, ids] = o.outputs;
  const inputs = [l.input(o, 'x'), l.shape([l.number(o, 'k')])];
  l.nodes.push({ opType: 'TopK', inputs, outputs: [l.name(values), indices], attributes });
  l.finish({ ...o, outputs: [ids] }, 'Cast', [indices], [castTo('int32')]);
};

const SAMPLING: Record<string, string> = {
  UNALIGN_CORNERS: 'half_pixel',
  DEFAULT: 'asymmetric',
  STRICT_ALIGN_CORNERS: 'align_corners',
};

const resized =
  (attributes: (text: (name: string) => string) => Attribute[]): Lift =>
  (o, l) =>
    l.finish(
      o,
      'Resize',
      [l.input(o, 'x'), '', '', l.shape(o.outputs[0].dims)],
      attributes((name) => l.text(o, name)),
    );

const REDUCTIONS = `reduce_sum:ReduceSum reduce_mean:ReduceMean reduce_max:ReduceMax reduce_min:ReduceMin
  reduce_prod:ReduceProd reduce_l1_norm:ReduceL1 reduce_l2_norm:ReduceL2 reduce_sum_square:ReduceSumSquare
  reduce_log_sum:ReduceLogSum reduce_log_sum_exp:ReduceLogSumExp`;

const scattered =
  (op: string, axis: boolean): Lift =>
  (o, l) => {
    const mode = l.text(o, 'mode');
    const attributes = [makeAttribute.string('reduction', mode === 'update' ? 'none' : mode)];
    if (axis) attributes.push(int('axis', l.number(o, 'axis')));
    const indices = l.step('Cast', [l.input(o, 'indices')], [castTo('int64')]);
    // onnxruntime writes float16 by index, but reduces nothing into it.
    const wide = mode !== 'update' && o.outputs[0].dtype === 'fp16';
    const input = (name: string) =>
      wide ? l.step('Cast', [l.input(o, name)], [castTo('float32')]) : l.input(o, name);
    const inputs = [input('data'), indices, input('updates')];
    if (!wide) return l.finish(o, op, inputs, attributes);
    return l.finish(o, 'Cast', [l.step(op, inputs, attributes)], [castTo('float16')]);
  };

export const MOVEMENT: Lifts = {
  ...Object.fromEntries(
    REDUCTIONS.split(/\s+/).map((pair) => {
      const [mil, onnx] = pair.split(':');
      return [mil, reduction(onnx)];
    }),
  ),
  reduce_argmax: extreme('ArgMax'),
  reduce_argmin: extreme('ArgMin'),
  topk: topK,
  cumsum: (o, l) =>
    l.finish(
      o,
      'CumSum',
      [l.input(o, 'x'), l.scalar64(l.number(o, 'axis'))],
      [int('exclusive', l.number(o, 'exclusive')), int('reverse', l.number(o, 'reverse'))],
    ),
  reshape: withShape('Reshape', 'shape'),
  squeeze: withShape('Squeeze', 'axes'),
  expand_dims: withShape('Unsqueeze', 'axes'),
  tile: withShape('Tile', 'reps'),
  transpose: (o, l) =>
    l.finish(o, 'Transpose', [l.input(o, 'x')], [makeAttribute.ints('perm', l.numbers(o, 'perm'))]),
  concat: (o, l) => l.finish(o, 'Concat', l.list(o, 'values'), [int('axis', l.number(o, 'axis'))]),
  split: (o, l) =>
    l.finish(
      o,
      'Split',
      [l.input(o, 'x'), l.shape(l.numbers(o, 'split_sizes'))],
      [int('axis', l.number(o, 'axis'))],
    ),
  slice_by_index: slice,
  pad,
  depth_to_space: (o, l) =>
    l.finish(o, 'DepthToSpace', [l.input(o, 'x')], [int('blocksize', l.number(o, 'block_size'))]),
  pixel_shuffle: (o, l) =>
    l.finish(
      o,
      'DepthToSpace',
      [l.input(o, 'x')],
      [int('blocksize', l.number(o, 'upscale_factor')), makeAttribute.string('mode', 'CRD')],
    ),
  space_to_depth: (o, l) =>
    l.finish(o, 'SpaceToDepth', [l.input(o, 'x')], [int('blocksize', l.number(o, 'block_size'))]),
  band_part: (o, l) =>
    l.finish(o, 'Trilu', [l.input(o, 'x')], [int('upper', l.number(o, 'lower') === 0 ? 1 : 0)]),
  gather: (o, l) =>
    l.finish(o, 'Gather', [l.input(o, 'x'), l.input(o, 'indices')], [int('axis', l.number(o, 'axis'))]),
  gather_along_axis: (o, l) =>
    l.finish(
      o,
      'GatherElements',
      [l.input(o, 'x'), l.input(o, 'indices')],
      [int('axis', l.number(o, 'axis'))],
    ),
  gather_nd: (o, l) => {
    const indices = l.step('Cast', [l.input(o, 'indices')], [castTo('int64')]);
    l.finish(o, 'GatherND', [l.input(o, 'x'), indices], [int('batch_dims', l.number(o, 'batch_dims'))]);
  },
  scatter_along_axis: scattered('ScatterElements', true),
  scatter_nd: scattered('ScatterND', false),
  one_hot: (o, l) => {
    const pair = ['off_value', 'on_value'].map((n) => l.step('Reshape', [l.input(o, n), l.shape([1])]));
    const values = l.step('Concat', pair, [int('axis', 0)]);
    const indices = l.step('Cast', [l.input(o, 'indices')], [castTo('int64')]);
    const depth = l.scalar64(l.number(o, 'one_hot_vector_size'));
    l.finish(o, 'OneHot', [indices, depth, values], [int('axis', l.number(o, 'axis'))]);
  },
  fill: (o, l) => l.finish(o, 'Expand', [l.input(o, 'value'), l.shape(l.numbers(o, 'shape'))]),
  upsample_nearest_neighbor: resized(() => [
    makeAttribute.string('mode', 'nearest'),
    makeAttribute.string('coordinate_transformation_mode', 'asymmetric'),
    makeAttribute.string('nearest_mode', 'floor'),
  ]),
  resize_bilinear: resized((text) => [
    makeAttribute.string('mode', 'linear'),
    makeAttribute.string('coordinate_transformation_mode', SAMPLING[text('sampling_mode')]),
  ]),
};
