import { unpackCodes } from '../../kernels/pack.js';
import { dtypeName } from '../ir/dtypes.js';
import { allGraphs, cloneModel, intAttribute, isOp, type Links, links } from '../ir/graph.js';
import type { Model, Node, Tensor } from '../ir/model.js';
import { elementCount, makeTensor, tensorBytes } from '../ir/tensor.js';

/** Shortest block of 4-bit weights that onnxruntime has a product for. */
const LEAST_BLOCK = 16;
const BYTES = { int4: 'int8', uint4: 'uint8' } as const;

/**
 * A model as .ort files can hold it: they have no types of 4 bits. Codes that onnxruntime should make a MatMulNBits of stay
 * where `products` says so, as that operator keeps them packed; all others become bytes of the same values. Works on a copy.
 * @returns also how many constants were rewritten, and how many were left
 */
export function fourBitsAsBytes(
  model: Model,
  products: boolean,
): { model: Model; count: number; left: number } {
  const copy = cloneModel(model);
  const packed = new Set<string>();
  for (const graph of products ? allGraphs(copy.graph) : []) {
    const known = links(graph);
    for (const node of graph.nodes.filter((n) => isOp(n, 'DequantizeLinear')))
      if (becomesProduct(node, known)) for (const i of [0, 2]) packed.add(node.inputs[i] ?? '');
  }
  let [count, left] = [0, 0];
  for (const graph of allGraphs(copy.graph))
    graph.initializers = graph.initializers.map((tensor) => {
      const dtype = dtypeName(tensor.dataType);
      if (dtype !== 'int4' && dtype !== 'uint4') return tensor;
      if (packed.has(tensor.name ?? '')) {
        left++;
        return tensor;
      }
      count++;
      return asBytes(tensor, dtype);
    });
  return { model: copy, count, left };
}

function asBytes(tensor: Tensor, dtype: 'int4' | 'uint4'): Tensor {
  const codes = unpackCodes(tensorBytes(tensor), elementCount(tensor.dims), 4, dtype === 'int4');
  return makeTensor(tensor.name ?? '', BYTES[dtype], tensor.dims, codes);
}

/** What onnxruntime's optimiser fuses: a matrix in blocks along its rows, read by one MatMul as its second operand. */
function becomesProduct(dq: Node, { initializer, uses }: Links): boolean {
  const block = intAttribute(dq, 'block_size', 0);
  const [use, ...others] = uses.get(dq.outputs[0]) ?? [];
  return (
    others.length === 0 &&
    isOp(use?.node, 'MatMul') &&
    use.input === 1 &&
    initializer.get(dq.inputs[0])?.dims.length === 2 &&
    intAttribute(dq, 'axis', 1) === 0 &&
    block >= LEAST_BLOCK &&
    Number.isInteger(Math.log2(block))
  );
}
