import { makeAttribute } from '../../../ir/graph.js';
import type { Attribute } from '../../../ir/model.js';
import { elementCount } from '../../../ir/tensor.js';
import type { Operation } from '../program.js';
import { type Lifter, number, numbers, pairs, refuse, struct } from './lifter.js';
import { spreadOut } from './movement.js';
import type { Lifts } from './types.js';

/** int8 as uint8 about 128, which onnxruntime's integer operators take; its zero point is the padding. */
function unsigned(l: Lifter, x: string): string {
  const moved = l.step('Add', [l.cast(x, 'int32'), l.constant('int32', [], Int32Array.of(128))]);
  return l.cast(moved, 'uint8');
}

const middle = (l: Lifter): string => l.constant('uint8', [], Uint8Array.of(128));

/** The same product, of floats or of int8 with int32 sums. */
function multiply(
  o: Operation,
  l: Lifter,
  [float, integer]: [string, string],
  inputs: string[],
  attributes: Parameters<Lifter['finish']>[3] = [],
) {
  if (o.operands[0].dtype !== 'i8') return l.step(float, inputs, attributes);
  const [x, w] = inputs.map((name) => unsigned(l, name));
  return l.step(integer, [x, w, middle(l), middle(l)], attributes);
}

function convolution(o: Operation, l: Lifter): void {
  const [x, filter] = o.operands;
  const padding = pairs(o, 'padding');
  const interior = numbers(o, 'lhs_dilation').map((d) => d - 1);
  const spread = spreadOut(l, l.name(x), x.dims, [0, 0, ...interior]);
  const sides = (i: number) => padding.map((p) => p[i]);
  const kept = [0, 1].map((i) => sides(i).map((p) => Math.max(p, 0)));
  const cropped = [0, 1].map((i) => sides(i).map((p) => Math.min(p, 0)));
  const crops = [0, 0, ...cropped[0], 0, 0, ...cropped[1]];
  const ready = crops.some((p) => p < 0) ? l.step('Pad', [spread, l.ints(crops)]) : spread;
  const sum = multiply(
    o,
    l,
    ['Conv', 'ConvInteger'],
    [ready, l.name(filter)],
    [
      makeAttribute.ints('kernel_shape', filter.dims.slice(2)),
      makeAttribute.ints('strides', numbers(o, 'window_strides')),
      makeAttribute.ints('dilations', numbers(o, 'rhs_dilation')),
      makeAttribute.ints('pads', kept.flat()),
      makeAttribute.int('group', number(o, 'feature_group_count')),
    ],
  );
  l.finish(o, 'Identity', [sum]);
}

/** Sides are brought to [batch…, rows, inner] and [batch…, inner, columns]. */
function dot(o: Operation, l: Lifter): void {
  const numbering = struct(o, 'dot_dimension_numbers');
  const sides = (['lhs', 'rhs'] as const).map((side, i) => {
    const { dims } = o.operands[i];
    const [batch, inner] = ['batching', 'contracting'].map(
      (k) => numbering[`${side}_${k}_dimensions`] as number[],
    );
    const free = dims.map((_, axis) => axis).filter((axis) => !batch.includes(axis) && !inner.includes(axis));
    const order = i === 0 ? [...batch, ...free, ...inner] : [...batch, ...inner, ...free];
    const size = (axes: number[]) => axes.reduce((n, axis) => n * dims[axis], 1);
    const shape = [
      ...batch.map((axis) => dims[axis]),
      ...(i === 0 ? [size(free), size(inner)] : [size(inner), size(free)]),
    ];
    const turned = l.step('Transpose', [l.input(o, i)], [makeAttribute.ints('perm', order)]);
    return l.reshape(turned, shape);
  });
  const product = multiply(o, l, ['MatMul', 'MatMulInteger'], sides);
  l.finish(o, 'Reshape', [product, l.ints(o.results[0].dims)]);
}

const REDUCTIONS: Record<string, string> = {
  add: 'ReduceSum',
  multiply: 'ReduceProd',
  maximum: 'ReduceMax',
  minimum: 'ReduceMin',
};

function reduce(o: Operation, l: Lifter): void {
  const type = REDUCTIONS[o.combine ?? ''] ?? refuse(o, `reduces by ${o.combine}`);
  const axes = numbers(o, 'dimensions');
  const inputs = [l.input(o, 0), l.ints(axes)];
  l.finish(o, type, inputs, [makeAttribute.int('keepdims', 0), makeAttribute.int('noop_with_empty_axes', 1)]);
}

/** The greatest or the sum of each window; a window that reaches back to the first element is a running sum. */
function reduceWindow(o: Operation, l: Lifter): void {
  const [x] = o.operands;
  const padding = pairs(o, 'padding');
  const [kernel, strides, dilations] = ['window_dimensions', 'window_strides', 'window_dilations'].map((n) =>
    numbers(o, n),
  );
  const axis = kernel.findIndex(
    (k, i) => k > 1 && k === x.dims[i] && padding[i][0] + padding[i][1] === k - 1,
  );
  const others = kernel.every((k, i) => k === 1 || i === axis);
  if (o.combine === 'add' && axis >= 0 && others && (padding[axis][0] === 0 || padding[axis][1] === 0)) {
    const at = l.constant('int64', [], BigInt64Array.of(BigInt(axis)));
    const reverse = makeAttribute.int('reverse', padding[axis][0] === 0 ? 1 : 0);
    l.finish(o, 'CumSum', [l.name(x), at], [reverse]);
    return;
  }
  pool(o, l, { kernel, strides, dilations, padding });
}

interface Pool {
  kernel: number[];
  strides: number[];
  dilations: number[];
  padding: number[][];
}

/** Axes that no window runs along are batch and channel of a pool. */
function pool(o: Operation, l: Lifter, { kernel, strides, dilations, padding }: Pool): void {
  if (o.combine !== 'add' && o.combine !== 'maximum') refuse(o, `reduces windows by ${o.combine}`);
  const { dims } = o.operands[0];
  const isStill = (i: number) => kernel[i] === 1 && strides[i] === 1 && padding[i].every((p) => p === 0);
  const first = kernel.findIndex((_, i) => !isStill(i));
  const from = first < 0 ? kernel.length - 1 : first;
  const lead = elementCount(dims.slice(0, from));
  const spatial = <T>(list: T[]) => list.slice(from);
  const x = l.reshape(l.input(o, 0), [lead, 1, ...spatial(dims)]);
  const pads = [0, 1].flatMap((side) => spatial(padding).map((p) => p[side]));
  const window = [
    makeAttribute.ints('kernel_shape', spatial(kernel)),
    makeAttribute.ints('strides', spatial(strides)),
    makeAttribute.ints('dilations', spatial(dilations)),
    makeAttribute.ints('pads', pads),
  ];
  const result =
    o.combine === 'maximum' ? l.step('MaxPool', [x], window) : windowSum(l, x, spatial(kernel), window);
  l.finish(o, 'Reshape', [result, l.ints(o.results[0].dims)]);
}

/** A convolution with ones. */
function windowSum(l: Lifter, x: string, kernel: number[], window: Attribute[]): string {
  const ones = new Float32Array(elementCount(kernel)).fill(1);
  return l.step('Conv', [x, l.constant('float32', [1, 1, ...kernel], ones)], window);
}

export const LAYERS: Lifts = {
  'stablehlo.convolution': convolution,
  'stablehlo.dot_general': dot,
  'stablehlo.reduce': reduce,
  'stablehlo.reduce_window': reduceWindow,
};
