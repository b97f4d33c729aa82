import { idx } from './idx.js';
import { images } from './images.js';
import { npy } from './npy.js';
import { npz } from './npz.js';
import { pb } from './pb.js';
import { raw } from './raw.js';
import type { Reader } from './types.js';

/** The formats that samples can have, in the order in which they are tried. */
export const READERS: readonly Reader[] = [images, npy, npz, pb, idx, raw];

const ids = new Set<string>();
for (const { id } of READERS) {
  if (ids.has(id)) throw new Error(`duplicate reader "${id}"`);
  ids.add(id);
}

/** The reader of a file by its name. */
export const readerOf = (name: string): Reader | undefined =>
  READERS.find((reader) => reader.accepts(name.toLowerCase()));
