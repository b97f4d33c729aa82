import { makeAttribute } from '../../../ir/graph.js';
import { codes } from '../literal.js';
import type { Operation } from '../program.js';
import { castTo, type Lifter, onnxDtype, refuse } from './lifter.js';
import type { Lift, Lifts } from './types.js';

/** Scale, and a zero point even where it is left out: ONNX reads the type of the codes off it. */
function grid(o: Operation, l: Lifter, dtype: string): string[] {
  if (dtype !== 'int8' && dtype !== 'uint8') return refuse(o, `has codes of ${dtype}`);
  const scale = l.literal(o, 'scale') ?? refuse(o, 'has no scale');
  const count = scale.dims.reduce((n, d) => n * d, 1);
  const zero = l.optional(o, 'zero_point') || l.constant(codes(dtype, new Uint8Array(count), scale.dims));
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
  constexpr_blockwise_shift_scale: (o, l) =>
    blocks(o, l, l.input(o, 'data'), l.input(o, 'scale'), l.optional(o, 'offset') || undefined),
};
