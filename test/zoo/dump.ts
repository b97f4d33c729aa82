import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import type { Dtype } from '../../src/ir/dtypes.js';
import { bytesOf } from '../../src/ir/tensor.js';
import type { Feeds, TensorValue } from '../../src/runtime/types.js';
import type { ZooSamples } from './samples.js';

const DESCR: Partial<Record<Dtype, string>> = {
  float32: '<f4',
  float64: '<f8',
  int64: '<i8',
  int32: '<i4',
  uint8: '|u1',
  int8: '|i1',
};

/** One array as a NumPy file, format 1.0 in C order. */
export function npy(value: TensorValue): Uint8Array {
  const descr = DESCR[value.dtype];
  if (!descr || !ArrayBuffer.isView(value.data)) throw new TypeError(`no NumPy form here for ${value.dtype}`);
  const shape = value.dims.map((d) => `${d},`).join(' ');
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  const length = Math.ceil((10 + header.length + 1) / 64) * 64 - 10;
  const head = Buffer.from(`\x93NUMPY\x01\x00__${header.padEnd(length - 1)}\n`, 'latin1');
  head.writeUInt16LE(length, 8);
  return Buffer.concat([head, bytesOf(value.data)]);
}

/** One sample as a NumPy archive, an array for each input, stored without compression. */
export const npz = (feeds: Feeds): Uint8Array =>
  zipSync(Object.fromEntries(Object.entries(feeds).map(([name, value]) => [`${name}.npy`, npy(value)])), {
    level: 0,
  });

/**
 * Writes samples as files that our command (`--calibration folder`) and Python read alike: 00000.npz, 00001.npz, …
 * and, beside the folder, `<folder>.labels.txt` with one class number a line where they are known.
 */
export async function dumpSamples(samples: ZooSamples, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  let i = 0;
  for await (const feeds of samples.feeds())
    writeFileSync(join(folder, `${String(i++).padStart(5, '0')}.npz`), npz(feeds));
  if (samples.labels) writeFileSync(`${folder}.labels.txt`, `${samples.labels.join('\n')}\n`);
}
