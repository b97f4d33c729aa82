import { unpackCodes } from '../../../kernels/pack.js';
import { intAttribute } from '../../ir/graph.js';
import type { Node, Tensor } from '../../ir/model.js';
import { elementCount, intValues, tensorBytes, tensorDtype } from '../../ir/tensor.js';
import type { Grid, Weight } from '../weight.js';
import { axisOf } from './shapes.js';
import type { Constants } from './types.js';

/** A constant behind DequantizeLinear: codes that stay codes, or an int32 bias, which becomes floats. */
export function storedWeight(
  node: Node,
  c: Pick<Constants, 'initializer' | 'floats' | 'refuse'>,
  tensor: Tensor,
): Weight {
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
  const inner = elementCount(dims.slice(axis + 1));
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
  const count = elementCount(tensor.dims);
  return unpackCodes(bytes, count, 4, dtype === 'int4');
}

function zeroPointsOf(
  node: Node,
  c: Pick<Constants, 'initializer' | 'floats' | 'refuse'>,
  count: number,
): Int32Array | undefined {
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
