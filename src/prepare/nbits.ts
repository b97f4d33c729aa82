import { packCodes, unpackCodes } from '../../kernels/pack.js';
import type { Dtype } from '../ir/dtypes.js';
import { intAttribute, makeAttribute } from '../ir/graph.js';
import { floatToHalf } from '../ir/half.js';
import type { Attribute, Node, Tensor } from '../ir/model.js';
import { elementCount, floatValues, makeTensor, tensorBytes, tensorDtype, viewAs } from '../ir/tensor.js';

/** A matrix [K, N] as DequantizeLinear reads it: codes, scale and, where it is not zero, zero point; or floats alone. */
export interface BlockedMatrix {
  tensors: Tensor[];
  attributes: Attribute[];
}

interface Layout {
  k: number;
  n: number;
  bits: number;
  block: number;
  /** Blocks of a column. */
  blocks: number;
}

/**
 * The weight of com.microsoft.MatMulNBits, B [N, ⌈K / block⌉, block · bits / 8] of unsigned codes with scales and zero points
 * [N, ⌈K / block⌉] (ContribOperators.md), turned to [K, N]: signed codes where every zero point is half the range. Floats
 * where the last block is short, as export formats have no such blocks.
 * @returns undefined for what DequantizeLinear does not say (other widths, reordered rows, zero points of floats), and where
 * sizes do not fit the attributes
 */
export function blockedMatrix(
  node: Node,
  constants: ReadonlyMap<string, Tensor>,
  fresh: (wanted: string) => string,
): BlockedMatrix | undefined {
  const [, data, scales, points, order] = node.inputs.map((name) => constants.get(name));
  const layout = layoutOf(node);
  if (!data || !scales || order || !fits(layout, data, scales)) return undefined;
  if (node.inputs[3] && !(points && areCodes(points, layout))) return undefined;
  const { k, n, bits, block, blocks } = layout;
  const half = 2 ** (bits - 1);
  const zeros = points && turned(zeroPoints(points, layout), n, blocks);
  const rows = unpackCodes(tensorBytes(data), n * blocks * block, bits, false) as Uint8Array;
  const codes = turned(rows, n, blocks * block).subarray(0, k * n);
  if (k % block !== 0 && blocks > 1)
    return floats(codes, zeros, scales, layout, fresh(`${node.inputs[1]}_values`));
  const centred = !zeros || zeros.every((z) => z === half);
  const packed = (name: string, dims: number[], values: Uint8Array) => {
    const dtype = `${centred ? '' : 'u'}int${bits}` as Dtype;
    const moved = centred ? values.map((c) => c - half) : values;
    return makeTensor(fresh(`${node.inputs[1]}_${name}`), dtype, dims, packCodes(moved, bits));
  };
  const grid = blocks === 1 ? [n] : [blocks, n];
  return {
    tensors: [
      packed('codes', [k, n], codes),
      scaleTensor(fresh(`${node.inputs[2]}_turned`), scales, layout, grid),
      ...(centred ? [] : [packed('zero_point', grid, zeros)]),
    ],
    attributes:
      blocks === 1
        ? [makeAttribute.int('axis', 1)]
        : [makeAttribute.int('axis', 0), makeAttribute.int('block_size', block)],
  };
}

function floats(
  codes: Uint8Array,
  zeros: Uint8Array | undefined,
  scales: Tensor,
  { k, n, bits, block, blocks }: Layout,
  name: string,
): BlockedMatrix {
  const scale = turned(floatValues(scales), n, blocks);
  const at = (i: number) => Math.floor(i / n / block) * n + (i % n);
  const values = Float32Array.from(codes, (c, i) => (c - (zeros?.[at(i)] ?? 2 ** (bits - 1))) * scale[at(i)]);
  const bytes = tensorDtype(scales) === 'float16' ? Uint16Array.from(values, floatToHalf) : values;
  return { tensors: [makeTensor(name, tensorDtype(scales), [k, n], bytes)], attributes: [] };
}

/** Of a width and type that DequantizeLinear has, and as large as the attributes say. */
function fits({ k, n, bits, block, blocks }: Layout, data: Tensor, scales: Tensor): boolean {
  if (![4, 8].includes(bits) || k <= 0 || n <= 0 || block <= 0) return false;
  if (!['float32', 'float16'].includes(tensorDtype(scales))) return false;
  return (
    tensorBytes(data).length * 8 === n * blocks * block * bits && elementCount(scales.dims) === n * blocks
  );
}

/** Zero points can be floats too. */
const areCodes = (points: Tensor, { n, bits, blocks }: Layout): boolean =>
  tensorDtype(points) === 'uint8' && tensorBytes(points).length === n * Math.ceil((blocks * bits) / 8);

function layoutOf(node: Node): Layout {
  const [k, n, bits, block] = ['K', 'N', 'bits', 'block_size'].map((name) =>
    intAttribute(node, name, name === 'bits' ? 4 : 0),
  );
  return { k, n, bits, block, blocks: Math.ceil(k / block) };
}

/** Each row of them starts a byte. */
function zeroPoints(points: Tensor, { n, bits, blocks }: Layout): Uint8Array {
  const bytes = tensorBytes(points);
  const wide = bytes.length / n;
  const row = (i: number) => unpackCodes(bytes.subarray(i * wide, (i + 1) * wide), blocks, bits, false);
  return Uint8Array.from(Array.from({ length: n }, (_, i) => Array.from(row(i))).flat());
}

function scaleTensor(name: string, scales: Tensor, { n, blocks }: Layout, grid: number[]): Tensor {
  const bytes = tensorBytes(scales);
  const dtype = tensorDtype(scales);
  const values =
    bytes.length / elementCount(scales.dims) === 2 ? viewAs(Uint16Array, bytes) : viewAs(Float32Array, bytes);
  return makeTensor(name, dtype, grid, turned(values, n, blocks));
}

/** [rows, columns] → [columns, rows]. */
function turned<T extends Uint8Array | Uint16Array | Float32Array>(
  values: T,
  rows: number,
  columns: number,
): T {
  const out = values.slice() as T;
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c];
  return out;
}
