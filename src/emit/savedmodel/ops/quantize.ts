import { decodeFloat } from '../../../../kernels/floats.js';
import { elementOf } from '../../../../kernels/grid.js';
import { intAttribute } from '../../../ir/graph.js';
import type { Node, Tensor } from '../../../ir/model.js';
import { elementCount, intValues, tensorBytes, tensorDtype } from '../../../ir/tensor.js';
import { gridOf, storedWeight } from '../../lowering/stored.js';
import type { Weight } from '../../weight.js';
import { axisOf, type Context } from '../context.js';
import type { HloType, Value } from '../program.js';
import type { Family, Lower } from './types.js';

interface Format {
  /** What codes are held in: unsigned bytes are moved down by 128, as the chip multiplies signed ones. */
  dtype: HloType;
  shift: number;
  low: number;
  high: number;
}

/** Types of activations. */
const FORMATS: Record<string, Format> = {
  int8: { dtype: 'i8', shift: 0, low: -128, high: 127 },
  uint8: { dtype: 'i8', shift: 128, low: -128, high: 127 },
  int4: { dtype: 'i8', shift: 0, low: -8, high: 7 },
  uint4: { dtype: 'i8', shift: 0, low: 0, high: 15 },
  int16: { dtype: 'i16', shift: 0, low: -32768, high: 32767 },
  uint16: { dtype: 'i16', shift: 32768, low: -32768, high: 32767 },
  float8e4m3fn: { dtype: 'f8E4M3FN', shift: 0, low: -448, high: 448 },
  float8e5m2: { dtype: 'f8E5M2', shift: 0, low: -57344, high: 57344 },
};

const formatOf = (c: Context, name: string): Format => {
  const dtype = c.dtype(name);
  return FORMATS[dtype ?? ''] ?? c.refuse(`activations are not quantized to ${dtype} here`);
};

/** Scale and zero point as values that broadcast against x. */
function grid(node: Node, c: Context, rank: number, { dtype, shift }: Format) {
  const scales = c.floats(node.inputs[1]) ?? c.refuse('its scale is computed');
  const given =
    dtype.startsWith('f8') || !node.inputs[2]
      ? undefined
      : (c.ints(2) ?? c.refuse('its zero point is computed'));
  const zeros = Array.from(scales, (_, i) => (given?.[i] ?? 0) - shift);
  const axis = axisOf(intAttribute(node, 'axis', 1), rank);
  const shape = scales.length > 1 ? [scales.length, ...Array<number>(rank - axis - 1).fill(1)] : [];
  const values = (numbers: ArrayLike<number>) => c.constant('f32', shape, numbers);
  return {
    scales,
    zeros,
    scale: values(scales),
    zero: zeros.some((z) => z !== 0) ? values(zeros) : undefined,
  };
}

/** saturate(roundHalfEven(x / scale) + zero); 8-bit floats round when they are converted. */
const quantize: Lower = (node, c) => {
  const x = c.input(0);
  const [output] = node.outputs;
  const format = formatOf(c, output);
  const { scale, zero } = grid(node, c, x.dims.length, format);
  const divided = c.divide(x, scale);
  const isFloat = format.dtype.startsWith('f8');
  const rounded = isFloat ? divided : c.unary('round_nearest_even', divided);
  const moved = zero ? c.add(rounded, zero) : rounded;
  const codes = c.convert(c.clamp(c.scalar(format.low), moved, c.scalar(format.high)), format.dtype);
  c.held.set(output, codes);
  c.bind(output, () => (isFloat ? codes : original(c, codes, format)));
  return undefined;
};

/** The codes as ONNX means them. */
const original = (c: Context, codes: Value, { shift }: Format): Value => {
  const wide = c.convert(codes, 'i32');
  return shift ? c.add(wide, c.scalar(shift, 'i32')) : wide;
};

/** The codes of a value that no QuantizeLinear here made: an input, or what moved codes. */
function codesNamed(c: Context, name: string, { dtype, shift }: Format): Value {
  const known = c.held.get(name);
  if (known) return known;
  const value = c.value(name);
  return c.convert(shift ? c.subtract(value, c.scalar(shift, 'i32')) : value, dtype);
}

const dequantize: Lower = (node, c) => {
  const [input] = node.inputs;
  const [output] = node.outputs;
  if (c.initializer(input)) return constant(node, c);
  if (c.dtype(input) === 'int32') {
    const { scale } = grid(node, c, c.dims(input).length, { dtype: 'i32', shift: 0, low: 0, high: 0 });
    return c.multiply(c.convert(c.value(input), 'f32'), scale);
  }
  const format = formatOf(c, input);
  const codes = codesNamed(c, input, format);
  const { scales, zeros, scale, zero } = grid(node, c, codes.dims.length, format);
  if (scales.length === 1 && format.dtype === 'i8')
    c.setCodes(output, { value: codes, scale: scales[0], zero: zeros[0] });
  c.bind(output, () => {
    const wide = c.convert(codes, 'f32');
    return c.multiply(zero ? c.subtract(wide, zero) : wide, scale);
  });
  return undefined;
};

function constant(node: Node, c: Context): undefined {
  const [input] = node.inputs;
  const [output] = node.outputs;
  const tensor = c.initializer(input)!;
  c.setWeight(output, float8Weight(node, c, tensor) ?? storedWeight(node, c, tensor));
  const scale = c.floats(node.inputs[1]);
  if (scale && tensorDtype(tensor) === 'int32')
    c.setBias(output, { values: Int32Array.from(intValues(tensor)), scale });
  return undefined;
}

/** 8-bit floats of a constant, which a product takes as they are, and what they stand for. */
function float8Weight(node: Node, c: Context, tensor: Tensor): Weight | undefined {
  const dtype = tensorDtype(tensor);
  if (dtype !== 'float8e4m3fn' && dtype !== 'float8e5m2') return undefined;
  const scale = c.floats(node.inputs[1]) ?? c.refuse('its scale is computed');
  const inBlocks = intAttribute(node, 'block_size', 0) > 0;
  const dims = inBlocks ? undefined : gridOf(node, tensor.dims, scale.length);
  if (!dims) return c.refuse(`${dtype} in blocks has no form here`);
  const { layout } = elementOf(dtype === 'float8e4m3fn' ? 'fp8' : 'fp8e5m2');
  const codes = tensorBytes(tensor);
  const inner = elementCount(tensor.dims.slice(dims.findIndex((d) => d > 1) + 1));
  const data = Float32Array.from(codes, (code, i) => {
    const group = scale.length > 1 ? Math.floor(i / inner) % scale.length : 0;
    return decodeFloat(code, layout!) * scale[group];
  });
  return { dims: tensor.dims, data, float8: { dtype, codes, dims, scale } };
}

export const QUANTIZE: Family = { QuantizeLinear: quantize, DequantizeLinear: dequantize };
