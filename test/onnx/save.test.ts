import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Model } from '../../src/ir/model.js';
import { floatTensor, int64Tensor, tensorBytes } from '../../src/ir/tensor.js';
import { decodeModel, encodeModel, loadModel, saveModel, writeAtomic } from '../../src/onnx/index.js';
import { useFolder } from './folder.js';
import { floatsLe, int, len, modelOf } from './wire.js';

const path = useFolder();
const files = () => readdirSync(path()).sort();

/** A model with a small and two large initializers, one of them inside a branch. */
function model(): Model {
  const inner = len(
    1,
    len(4, 'If'),
    len(2, 'y'),
    len(
      5,
      len(1, 'then_branch'),
      len(6, len(5, int(1, 2000), int(2, 1), len(4, new Uint8Array(8000).fill(3)), len(8, 'inner'))),
    ),
  );
  const m = decodeModel(modelOf(inner));
  m.graph.initializers = [
    floatTensor('w', [400_000], new Float32Array(400_000).fill(2)),
    int64Tensor('shape', [2], [1, -1]),
  ];
  return m;
}

describe('one file', () => {
  test('is what encodeModel gives, and nothing is left beside it', async () => {
    expect(await saveModel(model(), path('m.onnx'))).toEqual([path('m.onnx')]);
    expect(Buffer.compare(readFileSync(path('m.onnx')), encodeModel(model()))).toBe(0);
    expect(files()).toEqual(['m.onnx']);
  });

  test('replaces an old file and keeps its permissions', async () => {
    writeFileSync(path('m.onnx'), 'old');
    chmodSync(path('m.onnx'), 0o640);
    await saveModel(model(), path('m.onnx'));
    expect(statSync(path('m.onnx')).mode & 0o777).toBe(0o640);
    expect(loadModel(path('m.onnx')).model.graph.initializers).toHaveLength(2);
  });

  test('written through a link lands where the link points', async () => {
    mkdirSync(path('real'));
    writeFileSync(path('real/m.onnx'), 'old');
    symlinkSync('real/m.onnx', path('link.onnx'));
    await saveModel(model(), path('link.onnx'));
    expect(lstatSync(path('link.onnx')).isSymbolicLink()).toBe(true);
    expect(loadModel(path('real/m.onnx')).model.graph.nodes).toHaveLength(1);
  });
});

describe('external data', () => {
  test('large initializers move out, at aligned offsets, nested ones too', async () => {
    expect(await saveModel(model(), path('m.onnx'), { external: true })).toEqual([
      path('m.onnx'),
      path('m.onnx.data'),
    ]);
    expect(files()).toEqual(['m.onnx', 'm.onnx.data']);
    const { model: again } = loadModel(path('m.onnx'));
    const [w, shape] = again.graph.initializers;
    const inner = again.graph.nodes[0].attributes[0].g?.initializers[0];
    expect([w.external?.offset, inner?.external?.offset]).toEqual([0, 1_600_000]);
    expect(shape.external).toBeUndefined();
    expect(encodeModel(again).length).toBeGreaterThan(1.6e6);
    expect(Buffer.compare(tensorBytes(w), tensorBytes(model().graph.initializers[0]))).toBe(0);
    expect(inner && tensorBytes(inner)).toEqual(new Uint8Array(8000).fill(3));
  });

  test('over itself, and back into one file', async () => {
    await saveModel(model(), path('m.onnx'), { external: true });
    await saveModel(loadModel(path('m.onnx')).model, path('m.onnx'), { external: true });
    const { model: again } = loadModel(path('m.onnx'));
    await saveModel(again, path('one.onnx'));
    const [w] = loadModel(path('one.onnx')).model.graph.initializers;
    expect(w.rawData).toHaveLength(1_600_000);
    expect(w.dataLocation).toBeUndefined();
  });

  test('a tensor used in two graphs is written once', async () => {
    const m = model();
    const [w] = m.graph.initializers;
    m.graph.nodes[0].attributes[0].g?.initializers.push(w);
    await saveModel(m, path('m.onnx'), { external: true });
    expect(statSync(path('m.onnx.data')).size).toBe(1_600_000 + 8000);
  });

  test('above 1.9 GB it is the default, and nothing is held in memory but one tensor', async () => {
    const m = model();
    const lengths: number[] = [];
    const stop = new Error('enough seen');
    const read = () => {
      lengths.push(...files().map((f) => statSync(path(f)).size));
      throw stop;
    };
    const external = { file: 'd.bin', offset: 0, length: 2 ** 31, read };
    m.graph.initializers = [
      floatTensor('a', [2000], new Float32Array(2000)),
      { name: 'b', dims: [2 ** 29], dataType: 1, externalData: [], metadata: [], external },
    ];
    expect(() => encodeModel(m)).toThrow(expect.objectContaining({ code: 'MODEL_TOO_LARGE' }));
    await expect(saveModel(m, path('m.onnx'), { external: false })).rejects.toMatchObject({
      code: 'MODEL_TOO_LARGE',
    });
    await expect(saveModel(m, path('m.onnx'))).rejects.toBe(stop);
    // Only the data file was begun: the first tensor, then padding up to the page of the second.
    expect(lengths).toEqual([8192]);
    expect(files()).toEqual([]);
  });

  test('a data file that vanished leaves the old output alone', async () => {
    writeFileSync(path('d.bin'), floatsLe(1, 2));
    writeFileSync(
      path('in.onnx'),
      modelOf(
        len(5, int(1, 2), int(2, 1), len(8, 'w'), len(13, len(1, 'location'), len(2, 'd.bin')), int(14, 1)),
      ),
    );
    const { model: m } = loadModel(path('in.onnx'));
    truncateSync(path('d.bin'), 0);
    writeFileSync(path('out.onnx'), 'old');
    await expect(saveModel(m, path('out.onnx'))).rejects.toMatchObject({ code: 'EXTERNAL_DATA_RANGE' });
    expect(readFileSync(path('out.onnx'), 'utf8')).toBe('old');
    expect(files()).toEqual(['d.bin', 'in.onnx', 'out.onnx']);
  });
});

describe('writeAtomic', () => {
  test.each<[string, Parameters<typeof writeAtomic>[1], string]>([
    ['text', 'héllo', 'héllo'],
    ['bytes', Buffer.from('abc'), 'abc'],
    ['pieces', [Buffer.from('a'), Buffer.from(''), Buffer.from('bc')], 'abc'],
    ['nothing', [], ''],
  ])('%s', async (_, content, text) => {
    await writeAtomic(path('f'), content);
    expect(readFileSync(path('f'), 'utf8')).toBe(text);
    expect(files()).toEqual(['f']);
  });

  test('a source that fails half way leaves the old file and no temporary one', async () => {
    async function* failing() {
      yield Buffer.from('half');
      throw new Error('source');
    }
    writeFileSync(path('f'), 'old');
    await expect(writeAtomic(path('f'), failing())).rejects.toThrow('source');
    expect(readFileSync(path('f'), 'utf8')).toBe('old');
    expect(files()).toEqual(['f']);
  });

  test.each([
    ['none/f', /folder does not exist/],
    ['folder', /is a folder/],
    ['file/f', /not a folder/],
  ])('%s is refused', async (name, message) => {
    mkdirSync(path('folder'));
    writeFileSync(path('file'), '');
    await expect(writeAtomic(path(name), 'x')).rejects.toMatchObject({
      code: 'OUTPUT_WRITE',
      message: expect.stringMatching(message),
      hint: expect.any(String),
      where: { file: path(name) },
    });
  });

  test.skipIf(!existsSync('/dev/full'))('a full disk is said to be full (needs /dev/full)', async () => {
    await expect(writeAtomic('/dev/full', 'x')).rejects.toMatchObject({
      code: 'OUTPUT_WRITE',
      message: expect.stringMatching(/disk is full/),
    });
  });

  test.skipIf(!existsSync('/dev/null'))('a device is written to, not replaced', async () => {
    await writeAtomic('/dev/null', 'x');
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  test.skipIf(process.getuid?.() === 0)(
    'a folder without write permission is refused (root may write everywhere)',
    async () => {
      mkdirSync(path('locked'), 0o500);
      await expect(writeAtomic(path('locked/f'), 'x')).rejects.toMatchObject({
        code: 'OUTPUT_WRITE',
        message: expect.stringMatching(/permission/),
      });
    },
  );
});
