import type { CodedScales } from '../../kernels/blocks.js';
import { valuesOf } from '../../kernels/codec.js';
import { format } from '../../kernels/formats.js';
import { unsupportedError } from '../errors.js';
import type { Encoding } from '../plan/types.js';
import type { QuantizedWeight } from '../quantize/types.js';
import { decode } from './decode.js';
import type { Editor } from './editor.js';

/**
 * The scales of a weight as a value of shape `dims`: float32 as they are; scales in a narrow format (MX, NVFP4) as that
 * type for readers of the standard, as bytes and a table of their values otherwise.
 */
export function emitScales(
  editor: Editor,
  weight: QuantizedWeight,
  dims: number[],
  encoding: Encoding,
): string {
  const { plan, params } = weight;
  const { coded } = params;
  if (!coded) return editor.float(`${plan.tensor}_scale`, dims, params.scales);
  if (encoding === 'exec') return tabled(editor, plan.tensor, coded, dims);
  return coded.format === 'fp8' ? twoLevel(editor, plan.tensor, coded, dims) : powers(editor, weight, dims);
}

function tabled(
  editor: Editor,
  tensor: string,
  { format: id, codes, tensorScale }: CodedScales,
  dims: number[],
) {
  const wanted = `${tensor}_scale`;
  const values = editor.once(`${id} · ${tensorScale}`, () =>
    editor.float(
      `${id}_values`,
      [256],
      valuesOf(format(id)).map((value) => value * tensorScale),
    ),
  );
  const index = decode(editor, wanted, codes, 8);
  return editor.reshape(editor.node('Gather', [values, index], `${wanted}_values`), dims, wanted);
}

/** FP8 scales of blocks behind a DequantizeLinear with the scale of the tensor. */
function twoLevel(
  editor: Editor,
  tensor: string,
  { codes, tensorScale }: CodedScales,
  dims: number[],
): string {
  const wanted = `${tensor}_scale`;
  const stored = editor.constant(`${wanted}_quantized`, 'float8e4m3fn', dims, codes);
  return editor.node(
    'DequantizeLinear',
    [stored, editor.float(`${wanted}_scale`, [], [tensorScale])],
    wanted,
  );
}

/** E8M0 codes; a scale of the tensor that is itself a power of two moves them. */
function powers(editor: Editor, { plan, params }: QuantizedWeight, dims: number[]): string {
  const { codes, tensorScale } = params.coded!;
  const moved = Int16Array.from(codes, (code) => code + Math.log2(tensorScale));
  if (moved.some((code) => code < 0))
    throw unsupportedError('SCALE_RANGE', `blocks of "${plan.tensor}" are too small for scales of E8M0`, {
      where: { tensor: plan.tensor },
      hint: 'write the model with --encoding exec',
    });
  return editor.constant(`${plan.tensor}_scale`, 'float8e8m0', dims, Uint8Array.from(moved));
}
