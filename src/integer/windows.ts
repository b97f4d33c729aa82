import { intAttribute, intsAttribute, stringAttribute } from '../ir/graph.js';
import type { Node } from '../ir/model.js';

type Pair = [number, number];

/** Where the windows of a 2-D convolution or pool lie; 1-D ones have a height of 1. Pairs are [height, width]. */
export interface Windows {
  size: Pair;
  kernel: Pair;
  strides: Pair;
  dilations: Pair;
  /** Top and left. */
  pads: Pair;
  out: Pair;
}

/**
 * The windows of Conv, AveragePool and MaxPool over `dims` [N, C, (H,) W] (ONNX Conv-22, AveragePool-22: auto_pad and
 * ceil_mode included). Undefined for other ranks.
 */
export function windowsOf(
  node: Node,
  dims: readonly number[],
  kernel: readonly number[],
): Windows | undefined {
  const rank = dims.length - 2;
  if (rank !== 1 && rank !== 2) return undefined;
  const axes = Array.from({ length: rank }, (_, i) => axisWindows(node, i, rank, dims[i + 2], kernel[i]));
  if (rank === 1) axes.unshift({ size: 1, kernel: 1, stride: 1, dilation: 1, pad: 0, out: 1 });
  const pair = (key: keyof AxisWindows): Pair => [axes[0][key], axes[1][key]];
  return {
    size: pair('size'),
    kernel: pair('kernel'),
    strides: pair('stride'),
    dilations: pair('dilation'),
    pads: pair('pad'),
    out: pair('out'),
  };
}

interface AxisWindows {
  size: number;
  kernel: number;
  stride: number;
  dilation: number;
  pad: number;
  out: number;
}

function axisWindows(node: Node, axis: number, rank: number, size: number, kernel: number): AxisWindows {
  const stride = intsAttribute(node, 'strides')?.[axis] ?? 1;
  const dilation = intsAttribute(node, 'dilations')?.[axis] ?? 1;
  const extent = (kernel - 1) * dilation + 1;
  const mode = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (mode.startsWith('SAME')) {
    const out = Math.ceil(size / stride);
    const total = Math.max(0, (out - 1) * stride + extent - size);
    const pad = mode === 'SAME_UPPER' ? total >> 1 : (total + 1) >> 1;
    return { size, kernel, stride, dilation, pad, out };
  }
  const pads = mode === 'VALID' ? undefined : intsAttribute(node, 'pads');
  const [pad, end] = [pads?.[axis] ?? 0, pads?.[axis + rank] ?? 0];
  const room = (size + pad + end - extent) / stride;
  const ceil = intAttribute(node, 'ceil_mode', 0) === 1;
  const windows = (ceil ? Math.ceil(room) : Math.floor(room)) + 1;
  // A window that would begin in the padding after the end is left out.
  const out = ceil && (windows - 1) * stride >= size + pad ? windows - 1 : windows;
  return { size, kernel, stride, dilation, pad, out };
}

/** Values of the image (with its stated padding, when that counts) under each window: what an average divides by. */
export function windowCounts(node: Node, windows: Windows): Float64Array {
  const included = intAttribute(node, 'count_include_pad', 0) === 1;
  const rank = intsAttribute(node, 'kernel_shape')?.length ?? 2;
  const pads = intsAttribute(node, 'pads');
  const along = (axis: 0 | 1): number[] => {
    const end = included ? (pads?.[axis + 2 * rank - 2] ?? 0) : 0;
    const first = included ? -windows.pads[axis] : 0;
    return Array.from({ length: windows.out[axis] }, (_, o) => {
      const start = o * windows.strides[axis] - windows.pads[axis];
      const places = Array.from(
        { length: windows.kernel[axis] },
        (_, k) => start + k * windows.dilations[axis],
      );
      return places.filter((p) => p >= first && p < windows.size[axis] + end).length;
    });
  };
  const [rows, columns] = [along(0), along(1)];
  return Float64Array.from(rows.flatMap((r) => columns.map((c) => r * c)));
}
