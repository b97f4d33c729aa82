import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { saveFolder } from '../../src/onnx/index.js';
import { useFolder } from './folder.js';

const folder = useFolder();
const files = (text: string) => [
  { path: 'mark.json', chunks: [Buffer.from(text)] },
  { path: 'deep/er/data.bin', chunks: [Uint8Array.of(1), Uint8Array.of(2, 3)] },
];
const left = (root: string) => readdirSync(root, { recursive: true }).map(String).sort();

describe('a folder', () => {
  it('is written whole, with the folders inside', async () => {
    const root = folder();
    await saveFolder(join(root, 'x.pack'), files('one'));
    expect(left(root)).toEqual([
      'x.pack',
      'x.pack/deep',
      'x.pack/deep/er',
      'x.pack/deep/er/data.bin',
      'x.pack/mark.json',
    ]);
    expect([...readFileSync(join(root, 'x.pack/deep/er/data.bin'))]).toEqual([1, 2, 3]);
  });

  it('replaces one of its kind, and what that held', async () => {
    const root = folder();
    mkdirSync(join(root, 'x.pack'));
    for (const name of ['mark.json', 'old']) writeFileSync(join(root, 'x.pack', name), 'old');
    await saveFolder(join(root, 'x.pack/'), files('two'));
    expect(readFileSync(join(root, 'x.pack/mark.json'), 'utf8')).toBe('two');
    expect(existsSync(join(root, 'x.pack/old'))).toBe(false);
    expect(readdirSync(root)).toEqual(['x.pack']);
  });

  it.each<[string, (path: string) => void]>([
    ['another folder', (path) => mkdirSync(path)],
    ['a file', (path) => writeFileSync(path, 'mine')],
    ['a link to a file', (path) => symlinkSync('/etc/hostname', path)],
  ])('does not replace %s', async (_, make) => {
    const root = folder();
    make(join(root, 'x.pack'));
    await expect(saveFolder(join(root, 'x.pack'), files('no'))).rejects.toMatchObject({
      code: 'OUTPUT_WRITE',
    });
    expect(readdirSync(root)).toEqual(['x.pack']);
  });

  it('leaves nothing when a piece fails', async () => {
    const root = folder();
    const broken = {
      path: 'b',
      *chunks(): Generator<Uint8Array> {
        yield Uint8Array.of(1);
        throw new Error('gone');
      },
    };
    const parts = [files('x')[0], { path: 'b', chunks: broken.chunks() }];
    await expect(saveFolder(join(root, 'x.pack'), parts)).rejects.toThrow('gone');
    expect(readdirSync(root)).toEqual([]);
  });
});
