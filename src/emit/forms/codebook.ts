import { valuesOf } from '../../../kernels/codec.js';
import { elementOf } from '../../../kernels/grid.js';
import type { BlockShape, Codes } from '../../../kernels/quantize.js';
import type { QuantizedWeight } from '../../quantize/types.js';
import { decode, first } from '../decode.js';
import type { Editor } from '../editor.js';
import { emitScales } from '../scales.js';

/**
 * Packed codes, a table of their values and, where the format has one, a scale: value = table[code] · scale in float32,
 * for every format that no Q/DQ takes. All of it is constant, so onnxruntime works it out when it opens the model. Scales come as float32: Mul takes no other.
 */
export function codebook(editor: Editor, weight: QuantizedWeight): string {
  const { plan, dims, params } = weight;
  const row = elementOf(plan.format);
  const { tensor } = plan;
  const view = groupView(weight.shape);
  const flat = decode(editor, tensor, padded(weight.codes, weight.shape), row.bits);
  const index = editor.reshape(flat, view.values, `${tensor}_grouped`);
  const values = params.tables
    ? fromTables(editor, tensor, index, params.tables, 2 ** row.bits, view)
    : editor.node('Gather', [fixedTable(editor, row.id), index], `${tensor}_looked_up`);
  const scaled = row.scaled
    ? editor.node('Mul', [values, emitScales(editor, weight, view.scales, 'exec')], `${tensor}_scaled`)
    : values;
  return editor.reshape(trimmed(editor, scaled, weight.shape, tensor), dims, `${tensor}_dequantized`);
}

/** Dims in which each group of values is one index of the axes that the scales vary along. */
interface GroupView {
  values: number[];
  scales: number[];
}

function groupView({ outer, channels, inner, block }: BlockShape): GroupView {
  if (block === undefined) return { values: [outer, channels, inner], scales: [channels, 1] };
  const blocks = Math.ceil(channels / block);
  return { values: [outer, blocks, block, inner], scales: [outer, blocks, 1, inner] };
}

/** Codes with the last block of each row filled up. */
function padded(codes: Codes, { outer, channels, inner, block = 1 }: BlockShape): Codes | Uint8Array {
  const row = channels * inner;
  const wide = Math.ceil(channels / block) * block * inner;
  if (wide === row) return codes;
  const out = new Uint8Array(outer * wide);
  for (let o = 0; o < outer; o++) out.set(codes.subarray(o * row, (o + 1) * row), o * wide);
  return out;
}

/** Takes off what `padded` put on. */
function trimmed(
  editor: Editor,
  value: string,
  { outer, channels, inner, block = 1 }: BlockShape,
  tensor: string,
) {
  const wide = Math.ceil(channels / block) * block;
  if (wide === channels) return value;
  const rows = editor.reshape(value, [outer, wide, inner], `${tensor}_rows`);
  return first(editor, rows, channels, tensor, 1);
}

const fixedTable = (editor: Editor, id: string): string =>
  editor.once(`values ${id}`, () => {
    const values = valuesOf(elementOf(id));
    return editor.float(`${id}_values`, [values.length], values);
  });

/** Each group looks into a table of its own: the tables lie one after the other, and each group's index starts at its own. */
function fromTables(
  editor: Editor,
  tensor: string,
  index: string,
  tables: Float32Array,
  size: number,
  view: GroupView,
): string {
  const all = editor.float(`${tensor}_table`, [tables.length], tables);
  const starts = Int32Array.from({ length: tables.length / size }, (_, group) => group * size);
  const own = () => {
    const start = editor.constant(`${tensor}_table_start`, 'int32', view.scales, starts);
    return editor.node('Add', [index, start], `${tensor}_table_index`);
  };
  return editor.node('Gather', [all, starts.length === 1 ? index : own()], `${tensor}_looked_up`);
}
