import { unpackCodes } from '../../../../kernels/pack.js';
import { makeAttribute } from '../../../ir/graph.js';
import { elementCount } from '../../../ir/tensor.js';
import { codes as codesOf, int, ints } from '../literal.js';
import type { Literal, Operation } from '../program.js';
import { castTo, type Lifter, onnxDtype, refuse } from './lifter.js';
import type { Lift, Lifts } from './types.js';

/** Scale, and a zero point even where it is left out: ONNX reads the type of the codes off it. */
function grid(o: Operation, l: Lifter, dtype: string): string[] {
  if (dtype !== 'int8' && dtype !== 'uint8') return refuse(o, `has codes of ${dtype}`);
  const scale = l.literal(o, 'scale') ?? refuse(o, 'has no scale');
  const count = elementCount(scale.dims);
  const zero = l.optional(o, 'zero_point') || l.constant(codesOf(dtype, new Uint8Array(count), scale.dims));
  return [l.input(o, 'scale'), zero];
}

const axis = (o: Operation, l: Lifter) =>
  l.optional(o, 'axis') ? [makeAttribute.int('axis', l.number(o, 'axis'))] : [];

/** scale · (data − offset), each scale and offset spread over its block of the data. */
function blocks(o: Operation, l: Lifter, data: string, scale: string, offset: string | undefined): void {
  const { dims, dtype } = o.outputs[0];
  const float = [castTo(onnxDtype(dtype))];
  const gridDims = (l.literal(o, 'scale') ?? refuse(o, 'has no scale')).dims;
  const split = dims.flatMap((d, i) => [gridDims[i], d / gridDims[i]]);
  const spread = gridDims.flatMap((g) => [g, 1]);
  const blocked = l.step('Reshape', [l.step('Cast', [data], float), l.shape(split)]);
  const onGrid = (name: string) => l.step('Reshape', [name, l.shape(spread)]);
  const centred = offset ? l.step('Sub', [blocked, onGrid(l.step('Cast', [offset], float))]) : blocked;
  l.finish(o, 'Reshape', [l.step('Mul', [centred, onGrid(scale)]), l.shape(dims)]);
}

/** One scale a tensor, or one an index of the axis. */
const affine: Lift = (o, l) => {
  const literal = (name: string) => l.constant(l.literal(o, name) ?? refuse(o, `has no ${name}`));
  const scalar = l.literal(o, 'scale')!.dims.length === 0;
  l.finish(
    o,
    'DequantizeLinear',
    [literal('quantized_data'), literal('scale'), literal('zero_point')],
    scalar ? [] : [makeAttribute.int('axis', l.number(o, 'axis'))],
  );
};

const lookUp: Lift = (o, l) => {
  if (o.inputs.length === 0) lookUpFlat(o, l, lutOf(o, l));
  else tables(o, l, l.input(o, 'indices'));
};

const lutOf = (o: Operation, l: Lifter): Literal => l.literal(o, 'lut') ?? refuse(o, 'has no lut');

/** Group g of the tables serves a block of the data: table[g · 2^bits + index]. */
function tables(o: Operation, l: Lifter, indices: string): void {
  const { dims } = o.outputs[0];
  const lut = lutOf(o, l);
  const size = lut.dims.at(-2)!;
  const gridDims = lut.dims.slice(0, -2);
  const count = elementCount(gridDims);
  const starts = ints(
    Array.from({ length: count }, (_, g) => g * size),
    gridDims.flatMap((g) => [g, 1]),
  );
  const split = l.shape(dims.flatMap((d, i) => [gridDims[i], d / gridDims[i]]));
  const index = l.step('Reshape', [l.step('Cast', [indices], [castTo('int32')]), split]);
  const flat = l.step('Reshape', [l.input(o, 'lut'), l.shape([-1])]);
  const found = l.step('Gather', [flat, l.step('Add', [index, l.constant(starts)])]);
  l.finish(o, 'Reshape', [found, l.shape(dims)]);
}

/** One table, indices packed into bytes. */
function lookUpFlat(o: Operation, l: Lifter, lut: Literal): void {
  const { dims } = o.outputs[0];
  const bits = Math.log2(lut.dims[0]);
  const packed = l.literal(o, 'indices') ?? refuse(o, 'has no indices');
  const indices = unpackCodes(packed.bytes, elementCount(dims), bits, false);
  const index = l.step(
    'Cast',
    [l.constant({ dtype: 'uint8', dims, bytes: indices as Uint8Array })],
    [castTo('int32')],
  );
  l.finish(o, 'Gather', [l.constant(lut), index]);
}

/** Values in order of the mask's ones: the n-th one takes the n-th value. */
function spread(l: Lifter, values: string, mask: string, dims: number[]): string {
  const flat = l.step('Reshape', [l.step('Cast', [mask], [castTo('int32')]), l.shape([-1])]);
  const place = l.step('Sub', [l.step('CumSum', [flat, l.scalar64(0)]), l.constant(int(1))]);
  const found = l.step('Gather', [values, l.step('Max', [place, l.constant(int(0))])]);
  const zero = l.step('CastLike', [l.scalar64(0), found]);
  const isSet = l.step('Cast', [flat], [castTo('bool')]);
  return l.step('Reshape', [l.step('Where', [isSet, found, zero]), l.shape(dims)]);
}

const sparseToDense: Lift = (o, l) => {
  const { dims } = o.outputs[0];
  l.finish(o, 'Identity', [spread(l, l.input(o, 'nonzero_data'), l.input(o, 'mask'), dims)]);
};

/**
 * The operations that make floats of a mask's codes in order: the codes are spread over the mask, made floats where they
 * belong, and taken out again.
 */
const sparseCodes =
  (
    names: [mask: string, codes: string],
    dequantize: (dense: Operation, l: Lifter, codes: string) => void,
  ): Lift =>
  (o, l) => {
    const [mask, values] = o.outputs;
    const [given, kept] = names.map((name) => l.input(o, name));
    const codes = l.step('Cast', [kept], [castTo('int32')]);
    const dense: Operation = { ...o, outputs: [{ name: l.fresh(), dtype: values.dtype, dims: mask.dims }] };
    dequantize(dense, l, spread(l, codes, given, mask.dims));
    const flat = l.step('Reshape', [l.name(dense.outputs[0]), l.shape([-1])]);
    const isSet = l.step('Reshape', [l.step('Cast', [given], [castTo('bool')]), l.shape([-1])]);
    l.finish({ ...o, outputs: [mask] }, 'Identity', [given]);
    l.finish({ ...o, outputs: [values] }, 'Compress', [flat, isSet]);
  };

export const CODES: Lifts = {
  const: (o, l) => l.define(o.outputs[0], l.literal(o, 'val') ?? refuse(o, 'has no val')),
  quantize: (o, l) =>
    l.finish(
      o,
      'QuantizeLinear',
      [l.input(o, 'input'), ...grid(o, l, l.text(o, 'output_dtype'))],
      axis(o, l),
    ),
  dequantize: (o, l) =>
    l.finish(
      o,
      'DequantizeLinear',
      [l.input(o, 'input'), ...grid(o, l, l.dtype(o, 'input') ?? '')],
      axis(o, l),
    ),
  constexpr_affine_dequantize: affine,
  constexpr_lut_to_dense: lookUp,
  constexpr_sparse_to_dense: sparseToDense,
  constexpr_lut_to_sparse: sparseCodes(['indices_mask', 'indices_nonzero_data'], tables),
  constexpr_sparse_blockwise_shift_scale: sparseCodes(['data_mask', 'nonzero_data'], (o, l, codes) =>
    blocks(o, l, codes, l.input(o, 'scale'), undefined),
  ),
  constexpr_blockwise_shift_scale: (o, l) =>
    blocks(o, l, l.input(o, 'data'), l.input(o, 'scale'), l.optional(o, 'offset') || undefined),
};
