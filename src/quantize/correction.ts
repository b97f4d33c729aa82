import { elementOf } from '../../kernels/grid.js';
import { dequantize } from '../../kernels/quantize.js';
import { intAttribute, isOp } from '../ir/graph.js';
import type { Node } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';
import type { ChannelMeans } from './means.js';
import type { QuantizedWeight } from './types.js';

/**
 * Mean error of each output channel that rounding brings to a linear node, from what it reads alone:
 * E[ŷ − y] = Ŵ·E[x̂] − W·E[x], summed over the input channels and kernel positions of the channel's group (the mean of
 * x is taken as the same at every position; borders are ignored). Subtracted from the bias it leaves rounding without
 * a drift (Nagel et al. 2019, "Data-Free Quantization", section 4.2, with measured means).
 * @param weights the float values of `weight`
 * @returns undefined for operators without this form
 */
export function meanError(
  node: Node,
  weights: Float32Array,
  weight: QuantizedWeight,
  means: ChannelMeans,
): Float64Array | undefined {
  const layout = weightLayout(node, weight.dims);
  if (!layout || layout.inputs * layout.groups !== means.float.length) return undefined;
  const rounded = dequantize(weight.codes, weight.shape, weight.params, elementOf(weight.plan.format));
  const { outputs, inputs, groups, kernel } = layout;
  return Float64Array.from({ length: outputs }, (_, o) => {
    const first = Math.floor(o / (outputs / groups)) * inputs;
    let error = 0;
    for (let i = 0; i < inputs; i++)
      for (let k = 0; k < kernel; k++) {
        const at = o * layout.outputStride + i * layout.inputStride + k;
        error += rounded[at] * means.rounded[first + i] - weights[at] * means.float[first + i];
      }
    return error;
  });
}

interface Layout {
  outputs: number;
  /** Input channels of one group. */
  inputs: number;
  groups: number;
  /** Kernel positions, contiguous. */
  kernel: number;
  outputStride: number;
  inputStride: number;
}

/** Conv weights are [Cout, Cin/groups, …]; Gemm's are [out, in] with transB and [in, out] without. */
function weightLayout(node: Node, dims: number[]): Layout | undefined {
  if (isOp(node, 'Conv')) {
    const kernel = elementCount(dims.slice(2));
    const groups = intAttribute(node, 'group', 1);
    return {
      outputs: dims[0],
      inputs: dims[1],
      groups,
      kernel,
      outputStride: dims[1] * kernel,
      inputStride: kernel,
    };
  }
  if (!isOp(node, 'Gemm')) return undefined;
  const rows = { groups: 1, kernel: 1 };
  return intAttribute(node, 'transB', 0)
    ? { ...rows, outputs: dims[0], inputs: dims[1], outputStride: dims[1], inputStride: 1 }
    : { ...rows, outputs: dims[1], inputs: dims[0], outputStride: 1, inputStride: dims[1] };
}
