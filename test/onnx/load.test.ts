import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadModel } from '../../src/onnx/index.js';
import { useFolder } from './folder.js';
import { len, modelOf } from './wire.js';

const path = useFolder();
const isRoot = process.getuid?.() === 0;

test.each([
  ['none.onnx', 'MODEL_UNREADABLE', /no such file/],
  ['file.onnx/inside.onnx', 'MODEL_UNREADABLE', /not a folder/],
  ['folder', 'MODEL_UNREADABLE', /not a regular file/],
  ['pipe', 'MODEL_UNREADABLE', /not a regular file/],
  ['loop', 'MODEL_UNREADABLE', /circle/],
  ['x'.repeat(300), 'MODEL_UNREADABLE', /too long/],
  ['big.onnx', 'MODEL_TOO_LARGE', /less than 2 GiB/],
  ['empty.onnx', 'MODEL_NOT_ONNX', /empty/],
])('%s is refused', (name, code, message) => {
  writeFileSync(path('file.onnx'), modelOf());
  writeFileSync(path('empty.onnx'), '');
  writeFileSync(path('big.onnx'), '');
  truncateSync(path('big.onnx'), 2 ** 31);
  mkdirSync(path('folder'));
  symlinkSync('loop', path('loop'));
  execFileSync('mkfifo', [path('pipe')]);
  expect(() => loadModel(path(name))).toThrow(
    expect.objectContaining({
      code,
      kind: 'invalid',
      message: expect.stringMatching(message),
      hint: expect.any(String),
    }),
  );
});

test.skipIf(isRoot)('a file without read permission is refused (root may read everything)', () => {
  writeFileSync(path('m.onnx'), modelOf());
  chmodSync(path('m.onnx'), 0);
  expect(() => loadModel(path('m.onnx'))).toThrow(
    expect.objectContaining({ message: expect.stringMatching(/permission/) }),
  );
});

test('a link to a model is a model', () => {
  writeFileSync(path('m.onnx'), modelOf(len(2, 'g')));
  symlinkSync('m.onnx', path('link.onnx'));
  expect(loadModel(path('link.onnx')).model.graph.name).toBe('g');
});
