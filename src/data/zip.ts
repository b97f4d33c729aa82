import type { Readable } from 'node:stream';
import type { Entry, ZipFile } from 'yauzl';
import { invalidError, QuantizeError } from '../errors.js';
import { type ByteRange, fileBytes, MAX_UNPACKED_BYTES, unpack } from './bytes.js';
import type { LazyRanges } from './lazy.js';

/** An .npz has a few arrays; an archive with more entries than this is not one. */
const MAX_ENTRIES = 65_536;
const STORED = 0;
const ENCRYPTED = 1;

export interface ZipEntry {
  name: string;
  bytes: ByteRange;
}

/**
 * Names are keys here, never paths. They are decoded below, because yauzl's own decoding would refuse the "x:0" of a
 * TensorFlow input as a Windows drive.
 */
const OPEN = { autoClose: false, decodeStrings: false } as const;

/**
 * The entries of a zip archive. Stored ones are read in place; compressed ones are unpacked when they are first read,
 * never to more than the size that the archive declares (yauzl checks it), which MAX_UNPACKED_BYTES bounds.
 * @throws NPZ_DAMAGED, SAMPLE_TOO_LARGE (invalid) naming the file
 */
export async function openZip(path: string, label: string, lazy: LazyRanges): Promise<ZipEntry[]> {
  const { default: yauzl } = await import('yauzl');
  try {
    const zip = await yauzl.openPromise(path, OPEN);
    try {
      if (zip.entryCount > MAX_ENTRIES) throw new Error(`it declares ${zip.entryCount} entries`);
      const entries: ZipEntry[] = [];
      for await (const entry of zip.eachEntry())
        entries.push({
          name: nameOf(entry),
          bytes: await entryBytes(zip, entry, path, label, lazy),
        });
      return entries;
    } finally {
      zip.close();
    }
  } catch (cause) {
    throw damaged(label, cause);
  }
}

/** An archive whose names lead outside was not written by numpy.savez; its contents are not to be trusted either. */
function nameOf(entry: Entry): string {
  const name = String(entry.fileName);
  if (name.startsWith('/') || name.split(/[\\/]/).includes('..')) throw new Error(`"${name}" leads outside`);
  return name;
}

async function entryBytes(zip: ZipFile, entry: Entry, path: string, label: string, lazy: LazyRanges) {
  const size = entry.uncompressedSize;
  if (entry.generalPurposeBitFlag & ENCRYPTED) throw new Error(`"${entry.fileName}" is encrypted`);
  if (entry.compressionMethod === STORED) {
    const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
    return fileBytes(path, fileDataStart, size);
  }
  if (size > MAX_UNPACKED_BYTES)
    throw invalidError('SAMPLE_TOO_LARGE', `"${entry.fileName}" in "${label}" declares ${size} bytes`, {
      where: { file: label },
      hint: 'Save it uncompressed: numpy.savez instead of numpy.savez_compressed.',
    });
  return lazy.add(size, () => inflate(path, entry, label));
}

async function inflate(path: string, entry: Entry, label: string): Promise<ByteRange> {
  const { default: yauzl } = await import('yauzl');
  const zip = await yauzl.openPromise(path, OPEN);
  try {
    const stream: Readable = await zip.openReadStreamPromise(entry);
    return await unpack(stream, `"${entry.fileName}" in "${label}"`, entry.uncompressedSize);
  } catch (cause) {
    throw damaged(label, cause);
  } finally {
    zip.close();
  }
}

function damaged(label: string, cause: unknown): QuantizeError {
  if (cause instanceof QuantizeError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return invalidError('NPZ_DAMAGED', `"${label}" is not a readable .npz archive: ${reason}`, {
    where: { file: label },
    hint: 'Write it again with numpy.savez.',
    cause,
  });
}
