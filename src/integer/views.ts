import type { ByteCodes } from '../../kernels/integer.js';
import { roundHalfEven } from '../../kernels/rounding.js';
import type { Dtype } from '../ir/dtypes.js';
import { intAttribute, isOp, type Links, links } from '../ir/graph.js';
import type { Model, Node, Tensor } from '../ir/model.js';
import { floatValues, intValues, tensorBytes, tensorDtype, viewAs } from '../ir/tensor.js';
import type { Bias, Grid, OperandRef } from './types.js';

/** Codes that fit the integer kernels. */
const RANGES: Partial<Record<Dtype, [signed: boolean, qmin: number, qmax: number]>> = {
  int8: [true, -128, 127],
  uint8: [false, 0, 255],
  int4: [true, -8, 7],
  uint4: [false, 0, 15],
};

export const isNarrow = ({ qmin, qmax }: Grid): boolean => qmax - qmin < 255;

/** Two 4-bit codes a byte, the first one in the low half. */
function unpacked(bytes: Uint8Array, count: number, signed: boolean): ByteCodes {
  const out = new (signed ? Int8Array : Uint8Array)(count);
  const shift = signed ? 28 : 0;
  for (let i = 0; i < count; i++) {
    const half = (bytes[i >> 1] >> (4 * (i & 1))) & 15;
    out[i] = (half << shift) >> shift;
  }
  return out;
}

/** The graph of a quantized model, read as codes and the grids that they lie on. */
export class Views {
  readonly links: Links;

  constructor(readonly model: Model) {
    this.links = links(model.graph);
  }

  constant(name: string | undefined): Tensor | undefined {
    return name ? this.links.initializer.get(name) : undefined;
  }

  /** What `name` dequantizes: codes of 8 bits or fewer on a constant grid without blocks. */
  operand(name: string): OperandRef | undefined {
    const node = this.links.producer.get(name);
    if (!node || !isOp(node, 'DequantizeLinear')) return undefined;
    const codes = this.constant(node.inputs[0]);
    const grid = this.grid(node, codes && tensorDtype(codes));
    // onnxruntime hands out no 4-bit values to compare with.
    if (!grid || (!codes && isNarrow(grid))) return undefined;
    return { name: node.inputs[0], grid, ...(codes && { constant: this.codes(codes, grid) }) };
  }

  /** The grid of a QuantizeLinear or DequantizeLinear with constant parameters; the codes' type is that of the zero point. */
  grid(node: Node, codes?: Dtype): Grid | undefined {
    const scale = this.constant(node.inputs[1]);
    const zero = this.constant(node.inputs[2]);
    const dtype = zero ? tensorDtype(zero) : (codes ?? 'uint8');
    const range = RANGES[dtype];
    if (!scale || !range || intAttribute(node, 'block_size', 0) !== 0) return undefined;
    const [signed, qmin, qmax] = range;
    const scales = floatValues(scale);
    const zeroPoints = zero ? this.zeros(zero, dtype, signed) : new Int32Array(scales.length);
    const axis = scales.length === 1 ? undefined : intAttribute(node, 'axis', 1);
    return { scales, zeroPoints, axis, signed, qmin, qmax };
  }

  private zeros(zero: Tensor, dtype: Dtype, signed: boolean): Int32Array {
    if (dtype === 'int8' || dtype === 'uint8') return Int32Array.from(intValues(zero));
    const count = zero.dims.reduce((n, d) => n * d, 1);
    return Int32Array.from(unpacked(tensorBytes(zero), count, signed));
  }

  private codes(tensor: Tensor, grid: Grid) {
    const bytes = tensorBytes(tensor);
    const count = tensor.dims.reduce((n, d) => n * d, 1);
    const byte = grid.signed ? viewAs(Int8Array, bytes) : bytes;
    return { dims: tensor.dims, codes: isNarrow(grid) ? unpacked(bytes, count, grid.signed) : byte, grid };
  }

  /**
   * A constant bias in steps of the accumulator, `steps[c]` = s_x·s_w[c]: the codes as they are stored when they are
   * stored so, else rounded to the nearest step. Undefined when it is no constant or does not fit 32 bits.
   */
  bias(name: string, steps: Float64Array): Bias | undefined {
    const float = this.constant(name);
    if (float) return rounded(floatValues(float), steps);
    const producer = this.links.producer.get(name);
    if (!producer || !isOp(producer, 'DequantizeLinear') || producer.inputs[2]) return undefined;
    const [stored, scale] = producer.inputs.map((input) => this.constant(input));
    if (!stored || !scale || tensorDtype(stored) !== 'int32') return undefined;
    const codes = Int32Array.from(intValues(stored));
    const scales = floatValues(scale);
    if (codes.every((_, c) => at(scales, c) === Math.fround(at(steps, c)))) return { codes, rounded: false };
    return rounded(
      Float64Array.from(codes, (q, c) => q * at(scales, c)),
      steps,
    );
  }
}

/** Entry c of one value for all or one for each. */
const at = (values: ArrayLike<number>, c: number): number => values[values.length === 1 ? 0 : c];

function rounded(values: ArrayLike<number>, steps: Float64Array): Bias | undefined {
  const codes = Float64Array.from(values, (b, c) => roundHalfEven(b / at(steps, c)));
  return codes.every((q) => Math.abs(q) < 2 ** 31)
    ? { codes: Int32Array.from(codes), rounded: true }
    : undefined;
}
