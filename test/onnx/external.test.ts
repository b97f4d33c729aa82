import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { tensorBytes } from '../../src/ir/tensor.js';
import { decodeModel, encodeModel, loadModel } from '../../src/onnx/index.js';
import { useFolder } from './folder.js';
import { floatsLe, int, len, modelOfTensor } from './wire.js';

const path = useFolder();

/** A model file whose one initializer, float32[count], has these external entries. */
function modelWith(entries: Record<string, string>, count = 2, dtype = 1): string {
  const external = Object.entries(entries).map(([key, value]) => len(13, len(1, key), len(2, value)));
  writeFileSync(
    path('m.onnx'),
    modelOfTensor(int(1, count), int(2, dtype), len(8, 'w'), ...external, int(14, 1)),
  );
  return path('m.onnx');
}

const read = (file: string) => tensorBytes(loadModel(file).model.graph.initializers[0]);

describe('found', () => {
  test.each([
    ['offset and length', { location: 'd.bin', offset: '4', length: '8' }, floatsLe(2, 3)],
    ['no length: the shape tells', { location: 'd.bin', offset: '8' }, floatsLe(3, 4)],
    ['no offset', { location: 'd.bin', length: '8' }, floatsLe(1, 2)],
    ['dot in the path', { location: './d.bin' }, floatsLe(1, 2)],
    ['a folder below', { location: 'sub/e.bin' }, floatsLe(7, 8)],
    ['a folder below, with the separator of Windows', { location: 'sub\\e.bin' }, floatsLe(7, 8)],
    ['a name that starts with two dots', { location: '..d' }, floatsLe(5, 6)],
    ['a checksum, which is kept and not verified', { location: 'd.bin', checksum: 'abc' }, floatsLe(1, 2)],
  ])('%s', (_, entries, bytes) => {
    writeFileSync(path('d.bin'), floatsLe(1, 2, 3, 4));
    writeFileSync(path('..d'), floatsLe(5, 6));
    mkdirSync(path('sub'));
    writeFileSync(path('sub/e.bin'), floatsLe(7, 8));
    expect(read(modelWith(entries))).toEqual(bytes);
  });

  test('a link inside the folder', () => {
    writeFileSync(path('real.bin'), floatsLe(1, 2));
    symlinkSync('real.bin', path('link.bin'));
    expect(read(modelWith({ location: 'link.bin' }))).toEqual(floatsLe(1, 2));
  });

  test('an empty tensor', () => {
    writeFileSync(path('d.bin'), '');
    expect(read(modelWith({ location: 'd.bin' }, 0))).toHaveLength(0);
  });

  test('beyond 2 GiB of a sparse file, without reading the rest', () => {
    writeFileSync(path('big.bin'), '');
    truncateSync(path('big.bin'), 5 * 2 ** 30);
    const { model, bytes } = loadModel(
      modelWith({ location: 'big.bin', offset: `${4 * 2 ** 30}`, length: '8' }),
    );
    expect(bytes).toBeGreaterThan(5 * 2 ** 30);
    expect(tensorBytes(model.graph.initializers[0])).toEqual(new Uint8Array(8));
  });
});

describe('refused', () => {
  test.each([
    ['no location', { offset: '0' }, 'EXTERNAL_DATA_LOCATION', /no location/],
    ['an empty location', { location: '' }, 'EXTERNAL_DATA_LOCATION', /no location/],
    ['an absolute path', { location: '/etc/hostname' }, 'EXTERNAL_DATA_LOCATION', /outside/],
    ['an absolute path of Windows', { location: 'C:\\x' }, 'EXTERNAL_DATA_LOCATION', /outside/],
    ['a step out of the folder', { location: '../d.bin' }, 'EXTERNAL_DATA_LOCATION', /outside/],
    ['a step out in the middle', { location: 'sub/../../d.bin' }, 'EXTERNAL_DATA_LOCATION', /outside/],
    ['a step out, Windows', { location: '..\\d.bin' }, 'EXTERNAL_DATA_LOCATION', /outside/],
    ['a zero byte', { location: 'd.bin\0x' }, 'EXTERNAL_DATA_LOCATION', /outside/],
    ['a link that leads outside', { location: 'outside.bin' }, 'EXTERNAL_DATA_LOCATION', /outside/],
    [
      'a linked folder that leads outside',
      { location: 'root/hostname' },
      'EXTERNAL_DATA_LOCATION',
      /outside/,
    ],
    ['a folder', { location: 'sub' }, 'EXTERNAL_DATA_LOCATION', /regular file/],
    ['a missing file', { location: 'none.bin' }, 'EXTERNAL_DATA_MISSING', /no such file/],
    ['links in a circle', { location: 'loop' }, 'EXTERNAL_DATA_MISSING', /cannot be read/],
    [
      'an end beyond the file',
      { location: 'd.bin', offset: '12' },
      'EXTERNAL_DATA_RANGE',
      /bytes 12 to 20 of a file of 16/,
    ],
    ['a negative offset', { location: 'd.bin', offset: '-4' }, 'EXTERNAL_DATA_RANGE', /offset "-4"/],
    ['an offset that is no number', { location: 'd.bin', offset: '0x10' }, 'EXTERNAL_DATA_RANGE', /0x10/],
    [
      'an offset beyond 2^53',
      { location: 'd.bin', offset: '9007199254740993' },
      'EXTERNAL_DATA_RANGE',
      /90071/,
    ],
    [
      'a length that the shape contradicts',
      { location: 'd.bin', length: '12' },
      'EXTERNAL_DATA_SIZE',
      /needs 8/,
    ],
  ])('%s', (_, entries, code, message) => {
    writeFileSync(path('d.bin'), floatsLe(1, 2, 3, 4));
    mkdirSync(path('sub'));
    symlinkSync('/etc/hostname', path('outside.bin'));
    symlinkSync('/etc', path('root'));
    symlinkSync('loop', path('loop'));
    expect(() => loadModel(modelWith(entries))).toThrow(
      expect.objectContaining({
        code,
        kind: 'invalid',
        message: expect.stringMatching(message),
        where: expect.objectContaining({ tensor: 'w' }),
        hint: expect.any(String),
      }),
    );
  });

  test.each([
    ['strings', 1, 8, 'EXTERNAL_DATA_SIZE'],
    ['a negative dimension', -2, 1, 'EXTERNAL_DATA_SIZE'],
    ['10^15 elements', 1e15, 1, 'EXTERNAL_DATA_RANGE'],
  ])('%s', (_, count, dtype, code) => {
    writeFileSync(path('d.bin'), floatsLe(1, 2, 3, 4));
    expect(() => loadModel(modelWith({ location: 'd.bin' }, count, dtype))).toThrow(
      expect.objectContaining({ code }),
    );
  });

  test('a file that shrinks or vanishes after loading', () => {
    writeFileSync(path('d.bin'), floatsLe(1, 2));
    const { model } = loadModel(modelWith({ location: 'd.bin' }));
    truncateSync(path('d.bin'), 4);
    expect(() => tensorBytes(model.graph.initializers[0])).toThrow(
      expect.objectContaining({ code: 'EXTERNAL_DATA_RANGE' }),
    );
    unlinkSync(path('d.bin'));
    expect(() => tensorBytes(model.graph.initializers[0])).toThrow(
      expect.objectContaining({ code: 'EXTERNAL_DATA_MISSING' }),
    );
  });
});

test('encodeModel takes external tensors in; without a file they stay references', () => {
  writeFileSync(path('d.bin'), floatsLe(1, 2));
  const file = modelWith({ location: 'd.bin' });
  const [tensor] = decodeModel(encodeModel(loadModel(file).model)).graph.initializers;
  expect(tensor).toEqual({
    name: 'w',
    dims: [2],
    dataType: 1,
    rawData: floatsLe(1, 2),
    externalData: [],
    metadata: [],
  });
  const bytes = readFileSync(file);
  expect(Buffer.compare(encodeModel(decodeModel(bytes)), bytes)).toBe(0);
});

test('sha256 covers the model and its data, each data file once', () => {
  writeFileSync(path('d.bin'), floatsLe(1, 2));
  const loaded = loadModel(modelWith({ location: 'd.bin' }));
  const digest = createHash('sha256')
    .update(readFileSync(path('m.onnx')))
    .update(readFileSync(path('d.bin')));
  expect(loaded.sha256).toBe(digest.digest('hex'));
  expect(loaded.bytes).toBe(readFileSync(path('m.onnx')).length + 8);
});

describe('shapes only', () => {
  const shapes = (entries: Record<string, string>, count = 2) =>
    loadModel(modelWith(entries, count), { shapesOnly: true });

  test('an absent file is no error until the tensor is read', () => {
    const { model, bytes, sha256 } = shapes({ location: 'none.bin', offset: '4096' }, 1e9);
    const [tensor] = model.graph.initializers;
    expect(tensor.external).toMatchObject({ absent: true, offset: 4096, length: 4e9 });
    expect(bytes).toBeGreaterThan(4e9);
    expect(sha256).toBe(
      createHash('sha256')
        .update(readFileSync(path('m.onnx')))
        .digest('hex'),
    );
    expect(() => tensorBytes(tensor)).toThrow(expect.objectContaining({ code: 'EXTERNAL_DATA_MISSING' }));
  });

  test('a file that is there is read', () => {
    writeFileSync(path('d.bin'), floatsLe(1, 2));
    const [tensor] = shapes({ location: 'd.bin' }).model.graph.initializers;
    expect(tensor.external?.absent).toBeUndefined();
    expect(tensorBytes(tensor)).toEqual(floatsLe(1, 2));
  });

  test.each([
    ['a step out of the folder', { location: '../none.bin' }, 'EXTERNAL_DATA_LOCATION'],
    ['an absolute path', { location: '/none/none.bin' }, 'EXTERNAL_DATA_LOCATION'],
    ['a link that leads outside', { location: 'outside.bin' }, 'EXTERNAL_DATA_LOCATION'],
    ['a link to nothing', { location: 'loose' }, 'EXTERNAL_DATA_MISSING'],
    ['a length that the shape denies', { location: 'none.bin', length: '7' }, 'EXTERNAL_DATA_SIZE'],
    ['an offset that is no number', { location: 'none.bin', offset: '-4' }, 'EXTERNAL_DATA_RANGE'],
    ['a file that is too short', { location: 'd.bin', offset: '8' }, 'EXTERNAL_DATA_RANGE'],
  ])('still refused: %s', (_, entries, code) => {
    writeFileSync(path('d.bin'), floatsLe(1, 2));
    symlinkSync('/etc/hostname', path('outside.bin'));
    symlinkSync('nothing', path('loose'));
    expect(() => shapes(entries)).toThrow(expect.objectContaining({ code }));
  });
});
