import { unpackCodes } from '../../../../kernels/pack.js';
import { intAttribute } from '../../../ir/graph.js';
import type { Node, Tensor } from '../../../ir/model.js';
import { intValues, tensorBytes, tensorDtype } from '../../../ir/tensor.js';
import type { Grid, Weight } from '../../weight.js';
import { axisOf, type Context } from '../context.js';
import { codes, floats, HALF_MIN, int, text } from '../literal.js';
import type { Family, Lower } from './types.js';

type Code = 'int8' | 'uint8';
/** What a stored weight is read with, whatever it becomes. */
type Constants = Pick<Context, 'initializer' | 'floats' | 'refuse'>;

/** Scale, zero point (left out where it is 0) and axis of a Q or DQ node of an activation, as arguments. */
function grid(node: Node, c: Context, rank: number, dtype: Code) {
  const scales = c.floats(node.inputs[1]) ?? c.refuse('its scale is computed');
  const dims = scales.length > 1 ? [scales.length] : [];
  const held = c.float === 'fp16' ? scales.map((s) => Math.max(s, HALF_MIN)) : scales;
  const zeros = zeroPoints(node, c);
  return {
    scale: floats(c.float, held, dims),
    zero_point: zeros?.some((z) => z !== 0) ? codes(dtype, zeros, dims) : undefined,
    axis: dims.length ? int(axisOf(intAttribute(node, 'axis', 1), rank)) : undefined,
  };
}

function zeroPoints(node: Node, c: Context): number[] | undefined {
  if (!node.inputs[2]) return undefined;
  return c.ints(2) ?? c.refuse('its zero point is computed');
}

const isCode = (dtype: string | undefined): dtype is Code => dtype === 'int8' || dtype === 'uint8';

const quantize: Lower = (node, c) => {
  const input = c.input(0);
  const dtype = c.dtype(node.outputs[0]);
  if (!isCode(dtype)) return c.refuse(`Core ML quantizes activations to int8 or uint8, not ${dtype}`);
  const { scale, zero_point, axis } = grid(node, c, input.dims.length, dtype);
  const inputs = { input, scale, zero_point, axis, output_dtype: text(dtype) };
  return c.op('quantize', inputs, input.dims, dtype);
};

const dequantize: Lower = (node, c) => {
  const tensor = c.initializer(node.inputs[0]);
  if (tensor) {
    c.setWeight(node.outputs[0], storedWeight(node, c, tensor));
    return undefined;
  }
  const dtype = c.dtype(node.inputs[0]);
  if (!isCode(dtype)) return c.refuse(`Core ML dequantizes int8 and uint8, not ${dtype}`);
  const input = c.cast(c.input(0), dtype);
  const parameters = grid(node, c, input.dims.length, dtype);
  return c.op('dequantize', { input, ...parameters }, input.dims, c.float);
};

/** A constant behind DequantizeLinear: codes that stay codes, or an int32 bias, which becomes floats. */
export function storedWeight(node: Node, c: Constants, tensor: Tensor): Weight {
  const scale = c.floats(node.inputs[1]) ?? c.refuse('its scale is computed');
  const { dims } = tensor;
  const dtype = tensorDtype(tensor);
  if (dtype === 'int32') {
    const values = intValues(tensor);
    return { dims, data: Float32Array.from(values, (q, i) => q * scale[scale.length > 1 ? i : 0]) };
  }
  if (dtype !== 'int8' && dtype !== 'uint8' && dtype !== 'int4' && dtype !== 'uint4')
    return c.refuse(
      `there is no form for weights of ${dtype} here`,
      'quantize the float model for this chip: 8 and 4 bits and tables have one',
    );
  const zeroPoint = zeroPointsOf(node, c, scale.length);
  const data = elements(tensor, dtype);
  const grid = gridOf(node, dims, scale.length);
  if (!grid) return { dims, data: inShortBlocks(node, dims, data, scale, zeroPoint) };
  return { dims, data, quantized: { dtype, dims: grid, scale, zeroPoint } };
}

/** Floats of codes in blocks of which the last is short: no grid that divides the axis says that. */
function inShortBlocks(
  node: Node,
  dims: number[],
  codes: ArrayLike<number>,
  scale: Float32Array,
  zeroPoint?: Int32Array,
): Float32Array {
  const axis = axisOf(intAttribute(node, 'axis', 1), dims.length);
  const block = intAttribute(node, 'block_size', 0);
  const inner = dims.slice(axis + 1).reduce((n, d) => n * d, 1);
  const row = dims[axis] * inner;
  const blocks = Math.ceil(dims[axis] / block);
  return Float32Array.from(codes, (q, i) => {
    const along = Math.floor((i % row) / inner / block);
    const at = (Math.floor(i / row) * blocks + along) * inner + (i % inner);
    return (q - (zeroPoint?.[at] ?? 0)) * scale[at];
  });
}

function elements(tensor: Tensor, dtype: Grid['dtype']): Int8Array | Uint8Array {
  const bytes = tensorBytes(tensor);
  if (dtype === 'uint8') return bytes;
  if (dtype === 'int8') return new Int8Array(bytes.slice().buffer);
  const count = tensor.dims.reduce((n, d) => n * d, 1);
  return unpackCodes(bytes, count, 4, dtype === 'int4');
}

function zeroPointsOf(node: Node, c: Constants, count: number): Int32Array | undefined {
  const tensor = node.inputs[2] ? c.initializer(node.inputs[2]) : undefined;
  if (!tensor) return undefined;
  const dtype = tensorDtype(tensor);
  const values =
    dtype === 'int4' || dtype === 'uint4'
      ? unpackCodes(tensorBytes(tensor), count, 4, dtype === 'int4')
      : intValues(tensor);
  const result = Int32Array.from(values);
  return result.some((z) => z !== 0) ? result : undefined;
}

/** The scales' shape beside the weight's: one for all, one an index of `axis`, or one a block that divides it. */
export function gridOf(node: Node, dims: number[], count: number): number[] | undefined {
  const axis = axisOf(intAttribute(node, 'axis', 1), dims.length);
  const block = intAttribute(node, 'block_size', 0);
  if (block === 0) return dims.map((d, i) => (count > 1 && i === axis ? d : 1));
  // A block beyond the axis is the whole of it.
  const size = Math.min(block, dims[axis]);
  return dims[axis] % size === 0 ? dims.map((d, i) => (i === axis ? d / size : d)) : undefined;
}

export const QUANTIZE: Family = { QuantizeLinear: quantize, DequantizeLinear: dequantize };
