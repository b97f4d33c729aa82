import { packCodes } from '../../kernels/pack.js';
import type { Codes } from '../../kernels/quantize.js';
import type { Editor } from './editor.js';

/**
 * Packed codes as int32 indices [n], unpacked by the graph: each byte is looked up in a table of the codes in it. Widths
 * that do not divide a byte are split into planes that do (6 bits: 2 and 4), so that a file holds `bits` a value for
 * any width, and onnxruntime folds all of it when it opens the model.
 */
export function decode(editor: Editor, wanted: string, codes: Codes | Uint8Array, bits: number): string {
  const planes = planesOf(bits).map((plane) => unpack(editor, wanted, codes, plane));
  return planes.reduce((sum, plane) => editor.node('Add', [sum, plane], `${wanted}_index`));
}

/** Bits `shift`…`shift + width` of a code. */
interface Plane {
  width: number;
  shift: number;
}

/** The powers of two that a width is the sum of: their planes fill whole bytes. */
function planesOf(bits: number): Plane[] {
  const planes: Plane[] = [];
  for (let width = 1, shift = 0; width <= bits; width *= 2)
    if (bits & width) {
      planes.push({ width, shift });
      shift += width;
    }
  return planes;
}

function unpack(editor: Editor, wanted: string, codes: Codes | Uint8Array, { width, shift }: Plane): string {
  const plane = Uint8Array.from(codes, (code) => (code >> shift) & (2 ** width - 1));
  const packed = packCodes(plane, width);
  const bytes = editor.constant(`${wanted}_codes`, 'uint8', [packed.length], packed);
  const index = editor.cast(bytes, 'int32', `${wanted}_bytes`);
  if (width === 8) return index;
  const each = 8 / width;
  const looked = editor.node('Gather', [unpackTable(editor, width, shift), index], `${wanted}_unpacked`);
  const flat = editor.reshape(editor.cast(looked, 'int32', `${wanted}_plane`), [-1], `${wanted}_row`);
  return packed.length * each === codes.length ? flat : first(editor, flat, codes.length, wanted);
}

/** [256, 8 / width]: the codes in each byte, moved to their place in the whole code. */
const unpackTable = (editor: Editor, width: number, shift: number): string =>
  editor.once(`unpack ${width} ${shift}`, () => {
    const each = 8 / width;
    const table = Uint8Array.from(
      { length: 256 * each },
      (_, i) => ((Math.floor(i / each) >> ((i % each) * width)) & (2 ** width - 1)) << shift,
    );
    return editor.constant(`unpack_${width}_bits`, 'uint8', [256, each], table);
  });

/** The first `n` values of a row. */
export function first(editor: Editor, row: string, n: number, wanted: string, axis = 0): string {
  const [from, to, along] = [[0], [n], [axis]].map((v, i) =>
    editor.int64(`${wanted}_${['from', 'to', 'axis'][i]}`, v),
  );
  return editor.node('Slice', [row, from, to, along], `${wanted}_cut`);
}
