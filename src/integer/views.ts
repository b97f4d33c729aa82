import { findFormat, type NumberFormat } from '../../kernels/formats.js';
import type { ByteCodes } from '../../kernels/integer.js';
import { unpackCodes } from '../../kernels/pack.js';
import { roundHalfEven } from '../../kernels/rounding.js';
import type { Dtype } from '../ir/dtypes.js';
import { intAttribute, isOp, type Links, links } from '../ir/graph.js';
import type { Model, Node, Tensor } from '../ir/model.js';
import { elementCount, floatValues, intValues, tensorBytes, tensorDtype, viewAs } from '../ir/tensor.js';
import type { Bias, Grid, OperandRef } from './types.js';

/** Codes of 8 bits or fewer, which the integer kernels take one a byte. */
const byteFormat = (dtype: Dtype): NumberFormat | undefined => {
  const row = findFormat(dtype);
  return row?.kind === 'integer' && row.bits <= 8 ? row : undefined;
};

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
    // onnxruntime hands out no narrower values to compare with.
    if (!grid || (!codes && grid.format.bits < 8)) return undefined;
    const constant = codes && { dims: codes.dims, codes: codesOf(codes, grid.format), grid };
    return { name: node.inputs[0], grid, ...(constant && { constant }) };
  }

  /** The grid of a QuantizeLinear or DequantizeLinear with constant parameters; the codes' type is that of the zero point. */
  grid(node: Node, codes?: Dtype): Grid | undefined {
    const scale = this.constant(node.inputs[1]);
    const zero = this.constant(node.inputs[2]);
    const dtype = zero ? tensorDtype(zero) : (codes ?? 'uint8');
    const row = byteFormat(dtype);
    if (!scale || !row || intAttribute(node, 'block_size', 0) !== 0) return undefined;
    const scales = floatValues(scale);
    const zeroPoints = zero ? Int32Array.from(codesOf(zero, row)) : new Int32Array(scales.length);
    const axis = scales.length === 1 ? undefined : intAttribute(node, 'axis', 1);
    return { scales, zeroPoints, axis, format: row };
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

/** The codes of a constant, one a byte. */
function codesOf(tensor: Tensor, { bits, signed }: NumberFormat): ByteCodes {
  const bytes = tensorBytes(tensor);
  if (bits < 8) return unpackCodes(bytes, elementCount(tensor.dims), bits, signed);
  return signed ? viewAs(Int8Array, bytes) : bytes;
}

/** Entry c of one value for all or one for each. */
const at = (values: ArrayLike<number>, c: number): number => values[values.length === 1 ? 0 : c];

function rounded(values: ArrayLike<number>, steps: Float64Array): Bias | undefined {
  const codes = Float64Array.from(values, (b, c) => roundHalfEven(b / at(steps, c)));
  return codes.every((q) => Math.abs(q) < 2 ** 31)
    ? { codes: Int32Array.from(codes), rounded: true }
    : undefined;
}
