import { bytesOf } from '../ir/tensor.js';

/** Element types of the format that we write. */
export type SafetensorsType =
  | 'U8'
  | 'I8'
  | 'U16'
  | 'I16'
  | 'U32'
  | 'I32'
  | 'I64'
  | 'F16'
  | 'BF16'
  | 'F32'
  | 'F8_E4M3'
  | 'F8_E5M2'
  | 'BOOL';

export interface NamedArray {
  name: string;
  dtype: SafetensorsType;
  shape: number[];
  data: ArrayBufferView;
}

const ALIGNMENT = 8;

/**
 * A safetensors file: the length of the header in 8 bytes, the header in JSON padded with spaces, the arrays one after
 * the other (github.com/huggingface/safetensors, "Format"). Arrays come in the order given; metadata holds texts only.
 */
export function encodeSafetensors(
  arrays: readonly NamedArray[],
  metadata: Record<string, string>,
): Uint8Array {
  const entries: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const { name, dtype, shape, data } of arrays) {
    const start = end;
    end += data.byteLength;
    entries[name] = { dtype, shape, data_offsets: [start, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(entries));
  const header = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const out = new Uint8Array(8 + header + end).fill(0x20, 8, 8 + header);
  new DataView(out.buffer).setBigUint64(0, BigInt(header), true);
  out.set(text, 8);
  let at = 8 + header;
  for (const { data } of arrays) {
    out.set(bytesOf(data), at);
    at += data.byteLength;
  }
  return out;
}
