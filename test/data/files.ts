import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll } from 'vitest';
import type { Sample, SampleSource } from '../../src/data/types.js';
import { QuantizeError } from '../../src/errors.js';
import { bytesOf } from '../../src/ir/tensor.js';
import type { ValueMeta } from '../../src/runtime/types.js';

/** A private folder that is gone when the tests of the file are done. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'quantize-test-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export function put(root: string, name: string, bytes: Uint8Array | string): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

interface NpyHeader {
  descr?: string;
  fortran?: boolean;
  version?: 1 | 2 | 3;
}

/** An .npy file as numpy writes it; `shape` may lie. */
export function npy(shape: number[], data: ArrayBufferView, header: NpyHeader = {}): Uint8Array {
  const { descr = '<f4', fortran = false, version = 1 } = header;
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${dims}), }\n`;
  const head = Buffer.alloc(version === 1 ? 10 : 12);
  head.write('\x93NUMPY', 'latin1');
  head[6] = version;
  if (version === 1) head.writeUInt16LE(text.length, 8);
  else head.writeUInt32LE(text.length, 8);
  return Buffer.concat([head, Buffer.from(text), bytesOf(data)]);
}

export const npz = (arrays: Record<string, Uint8Array>, level: 0 | 6 = 0): Uint8Array =>
  zipSync(
    Object.fromEntries(Object.entries(arrays).map(([key, bytes]) => [`${key}.npy`, new Uint8Array(bytes)])),
    { level },
  );

export const input = (
  name: string,
  dims: (number | string)[],
  dtype: ValueMeta['dtype'] = 'float32',
): ValueMeta => ({
  name,
  dtype,
  dims,
});

export async function all(source: SampleSource): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of source.samples()) samples.push(sample);
  await source.close?.();
  return samples;
}

/** The code of the QuantizeError that `work` ends in; "no error" when it does not. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof QuantizeError) return error.code;
    throw error;
  }
  return 'no error';
}
