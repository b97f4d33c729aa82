import { createHash } from 'node:crypto';
import { invalidError } from '../errors.js';
import { count, MAX_UNPACKED_BYTES, temporaryFile } from './bytes.js';
import { isNpy } from './npy.js';
import { READERS } from './readers/index.js';
import type { ReadRequest } from './readers/types.js';
import type { Table } from './table.js';

type Magic = { reader: string; is(head: Uint8Array): boolean };
const startsWith =
  (...magic: number[]) =>
  (head: Uint8Array) =>
    magic.every((byte, i) => head[i] === byte);

/** A pipe has no name to go by, so the first bytes say which reader takes it. */
const MAGIC: readonly Magic[] = [
  { reader: 'npy', is: isNpy },
  { reader: 'npz', is: startsWith(0x50, 0x4b, 3, 4) },
  { reader: 'images', is: startsWith(0xff, 0xd8, 0xff) },
  { reader: 'images', is: startsWith(0x89, 0x50, 0x4e, 0x47) },
  { reader: 'images', is: (head) => startsWith(0x52, 0x49, 0x46, 0x46)(head) && head[8] === 0x57 },
  { reader: 'pb', is: startsWith(0x08) },
];

/**
 * Standard input as samples: an .npy, an .npz, one image, one TensorProto, or, with a declared dtype and shape, raw
 * binary. It is kept in a temporary file, so that several passes can be made over it.
 * @throws SAMPLES_FORMAT, SAMPLES_EMPTY (invalid)
 */
export async function openStdin(stream: AsyncIterable<Uint8Array>, request: ReadRequest): Promise<Table> {
  const hash = createHash('sha256');
  let head = new Uint8Array(0);
  const see = (chunk: Uint8Array) => {
    if (head.length < 16) head = Buffer.concat([head, chunk.subarray(0, 16)]);
    hash.update(chunk);
  };
  const { file, close } = await temporaryFile(count(stream, 'standard input', MAX_UNPACKED_BYTES, see));
  try {
    const reader = READERS.find(({ id }) => id === readerId(head, request));
    if (!reader) throw unknown(head);
    const table = await reader.open([{ path: file, label: 'stdin' }], request);
    return {
      ...table,
      key: [hash.digest('hex'), ...table.key],
      close: async () => {
        await table.close();
        await close();
      },
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}

const readerId = (head: Uint8Array, { options }: ReadRequest): string | undefined =>
  options.dtype && options.shape ? 'raw' : MAGIC.find(({ is }) => is(head))?.reader;

const unknown = (head: Uint8Array) =>
  head.length === 0
    ? invalidError('SAMPLES_EMPTY', 'standard input is empty', {
        hint: 'Did the command before the pipe fail?',
      })
    : invalidError('SAMPLES_FORMAT', 'standard input is neither .npy, .npz, an image nor a TensorProto', {
        hint: 'For raw binary, declare the dtype and the shape of one sample.',
      });
