import { elementOf } from '../../../kernels/grid.js';
import { packCodes } from '../../../kernels/pack.js';
import { makeAttribute, makeNode } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';
import type { QuantizedWeight } from '../../quantize/types.js';
import type { Editor } from '../editor.js';

/** The domain of onnxruntime's own operators. */
export const MICROSOFT = 'com.microsoft';

/**
 * com.microsoft.MatMulNBits in place of a MatMul: B [N, ⌈K / block⌉, block · bits / 8] of unsigned codes, scales and zero
 * points [N, ⌈K / block⌉] (ContribOperators.md). Signed codes move up by half a range, which is the zero point it assumes.
 */
export function matMulNBits(editor: Editor, weight: QuantizedWeight, node: Node): void {
  const { plan, dims, shape } = weight;
  const [k, n] = dims;
  const { bits } = elementOf(plan.format);
  const block = shape.block!;
  const blocks = Math.ceil(k / block);
  const { tensor } = plan;
  const inputs = [
    node.inputs[0],
    editor.constant(`${tensor}_quantized`, 'uint8', [n, blocks, (block * bits) / 8], packed(weight, blocks)),
    editor.float(`${tensor}_scale`, [n, blocks], turned(weight.params.scales, blocks, n)),
    ...zeroPoints(editor, weight, blocks),
  ];
  const attributes = Object.entries({ K: k, N: n, bits, block_size: block }).map(([name, value]) =>
    makeAttribute.int(name, value),
  );
  editor.replace(node, [
    makeNode('MatMulNBits', inputs, node.outputs, attributes, { name: node.name, domain: MICROSOFT }),
  ]);
}

/** [rows, columns] → [columns, rows]. */
function turned<T extends Float32Array | Int32Array>(values: T, rows: number, columns: number): T {
  const out = values.slice() as T;
  for (let c = 0; c < columns; c++)
    for (let r = 0; r < rows; r++) out[c * rows + r] = values[r * columns + c];
  return out;
}

/** What moves a signed code among the unsigned ones. */
const offsetOf = ({ plan }: QuantizedWeight): number => {
  const { signed, bits } = elementOf(plan.format);
  return signed ? 2 ** (bits - 1) : 0;
};

function packed(weight: QuantizedWeight, blocks: number): Uint8Array {
  const { dims, codes, shape, plan } = weight;
  const [k, n] = dims;
  const wide = blocks * shape.block!;
  const offset = offsetOf(weight);
  const rows = new Uint8Array(n * wide);
  for (let c = 0; c < n; c++) for (let r = 0; r < k; r++) rows[c * wide + r] = codes[r * n + c] + offset;
  return packCodes(rows, elementOf(plan.format).bits);
}

/** Left out where they are the half range that the operator assumes. Each row starts a byte. */
function zeroPoints(editor: Editor, weight: QuantizedWeight, blocks: number): string[] {
  const { plan, dims, params } = weight;
  const { signed, bits } = elementOf(plan.format);
  if (signed && params.zeroPoints.every((z) => z === 0)) return [];
  const n = dims[1];
  const offset = offsetOf(weight);
  const points = turned(params.zeroPoints, blocks, n).map((z) => z + offset);
  const bytes = Math.ceil((blocks * bits) / 8);
  const out = new Uint8Array(n * bytes);
  for (let c = 0; c < n; c++)
    out.set(packCodes(Uint8Array.from(points.subarray(c * blocks, (c + 1) * blocks)), bits), c * bytes);
  return [editor.constant(`${plan.tensor}_zero_point`, 'uint8', [n, bytes], out)];
}
