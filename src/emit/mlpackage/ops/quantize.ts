import { intAttribute } from '../../../ir/graph.js';
import type { Node } from '../../../ir/model.js';
import { storedWeight } from '../../lowering/stored.js';
import { axisOf, type Context } from '../context.js';
import { codes, floats, HALF_MIN, int, text } from '../literal.js';
import type { Family, Lower } from './types.js';

type Code = 'int8' | 'uint8';

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

export const QUANTIZE: Family = { QuantizeLinear: quantize, DequantizeLinear: dequantize };
