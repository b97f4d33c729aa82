import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { findPreprocessBeside, findSamplesBeside, openSamples } from '../../src/data/index.js';
import { prefetch } from '../../src/data/prefetch.js';
import type { SampleOptions } from '../../src/data/types.js';
import { floatTensor, int64Tensor } from '../../src/ir/tensor.js';
import { TENSOR } from '../../src/onnx/schema.js';
import { encode } from '../../src/protobuf/encode.js';
import { all, codeOf, folder, input, npy, put } from './files.js';

const root = folder();
const f4 = Float32Array.of(1, 2, 3, 4, 5, 6);
const two = [input('ids', ['n', 3], 'int64'), input('mask', ['n', 3])];
const a = put(root, 'a.npy', npy([2, 3], BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n), { descr: '<i8' }));
const b = put(root, 'b.npy', npy([2, 3], f4));
const one = put(root, 'one.npy', npy([1, 3], f4.slice(0, 3)));
const three = put(root, 'three.npy', npy([3, 3], new Float32Array(9)));

const pb = (tensor: object): Uint8Array =>
  Buffer.concat(encode(TENSOR, tensor).chunks.map((c) => (c instanceof Uint8Array ? c : c.read())));

describe('several inputs', () => {
  it.each([
    ['each bound by name', [`ids=${a}`, `mask=${b}`], 2],
    ['one sample serves all', [`ids=${a}`, `mask=${one}`], 2],
    ['several files of one input', [`ids=${a}`, `ids=${a}`, `mask=${one}`], 4],
    ['different counts', [`ids=${a}`, `mask=${three}`], 'SAMPLE_COUNT'],
    ['one input without samples', [`ids=${a}`], 'SAMPLE_INPUT'],
    ['a name that is no input', [`idz=${a}`, `mask=${b}`], 'SAMPLE_INPUT'],
    ['a path that names no input', [a], 'SAMPLE_INPUT'],
    ['bound and free paths', [`ids=${a}`, b], 'SAMPLE_INPUT'],
  ])('%s', async (_, from, gives) => {
    const read = async () => (await all(await openSamples({ from }, two))).length;
    if (typeof gives === 'string') expect(await codeOf(read)).toBe(gives);
    else expect(await read()).toBe(gives);
  });

  it('a misspelt name is answered with the nearest', async () => {
    await expect(openSamples({ from: [`idz=${a}`] }, two)).rejects.toMatchObject({
      hint: 'Did you mean "ids"?',
    });
  });
});

describe('test_data_set folders', () => {
  const ids = { ...int64Tensor('ids', [1, 3], [1, 2, 3]) };
  const mask = floatTensor('mask', [1, 3], [1, 1, 0]);
  put(root, 'pb/model.onnx', 'x');
  put(root, 'pb/test_data_set_0/input_0.pb', pb(ids));
  put(root, 'pb/test_data_set_0/input_1.pb', pb(mask));
  put(root, 'pb/test_data_set_0/output_0.pb', 'not looked at');
  put(root, 'pb/test_data_set_10/input_0.pb', pb({ ...mask }));
  put(root, 'pb/test_data_set_10/input_1.pb', pb({ ...ids }));
  put(root, 'short/test_data_set_0/input_0.pb', pb(ids));
  put(root, 'damaged/test_data_set_0/input_0.pb', pb(ids).subarray(0, 20));
  put(root, 'damaged/test_data_set_0/input_1.pb', pb(mask));

  it('are samples, their tensors known by name or by position', async () => {
    const samples = await all(await openSamples({ from: [`${root}/pb`] }, two));
    expect(samples.map((s) => s.id)).toEqual(['test_data_set_0', 'test_data_set_10']);
    for (const { feeds } of samples) {
      expect([...(feeds.ids.data as BigInt64Array)]).toEqual([1n, 2n, 3n]);
      expect([...(feeds.mask.data as Float32Array)]).toEqual([1, 1, 0]);
    }
  });

  it.each([
    ['short', 'SAMPLE_KEYS'],
    ['damaged', 'SAMPLE_PB'],
  ])('%s ones give %s', async (name, code) => {
    expect(await codeOf(async () => all(await openSamples({ from: [`${root}/${name}`] }, two)))).toBe(code);
  });
});

describe('standard input', () => {
  const x = [input('x', ['n', 3])];
  const raw: SampleOptions = { dtype: 'float32', shape: [3] };
  it.each([
    ['an .npy', npy([2, 3], f4), {}, 2],
    ['raw binary', new Uint8Array(f4.buffer), raw, 2],
    ['a TensorProto', pb(floatTensor('x', [1, 3], f4.slice(3))), {}, 1],
    ['nothing', new Uint8Array(0), {}, 'SAMPLES_EMPTY'],
    ['text', Buffer.from('hello'), {}, 'SAMPLES_FORMAT'],
  ])('%s', async (_, bytes, options, gives) => {
    // In pieces, as a pipe delivers.
    const stdin = Readable.from([bytes.subarray(0, 5), bytes.subarray(5)].filter((p) => p.length > 0));
    const read = async () => {
      const source = await openSamples({ from: ['-'], stdin, ...options }, x);
      const first: unknown[] = [];
      for await (const sample of source.samples()) first.push(sample);
      expect((await all(source)).length).toBe(first.length);
      return first.length;
    };
    if (typeof gives === 'string') expect(await codeOf(read)).toBe(gives);
    else expect(await read()).toBe(gives);
  });
});

describe('synthetic samples', () => {
  const inputs = [
    input('x', ['n', 3, 'h', 'w']),
    input('ids', ['n', 'length'], 'int64'),
    input('flag', [], 'bool'),
  ];

  it('are said to be synthetic, repeat by seed, and take sizes', async () => {
    const options = { limit: 2, seed: 5, dims: { h: 8, w: 8, length: 4 } };
    const source = await openSamples(options, inputs);
    expect(source.kind).toBe('synthetic');
    const samples = await all(source);
    expect(samples.map((s) => s.feeds.x.dims)).toEqual([
      [1, 3, 8, 8],
      [1, 3, 8, 8],
    ]);
    expect(samples[0].feeds.ids.dims).toEqual([1, 4]);
    expect(await all(await openSamples(options, inputs))).toEqual(samples);
    expect(samples[1].feeds.x.data).not.toEqual(samples[0].feeds.x.data);
    expect(source.hash).not.toBe((await openSamples({ ...options, seed: 6 }, inputs)).hash);
  });

  it('have one size for each name, 1 where any input counts samples by it', async () => {
    const state = input('state', [2, 'n', 128]);
    const [{ feeds }] = await all(
      await openSamples({ limit: 1 }, [state, ...inputs, input('m', ['k', 'length'])]),
    );
    expect([feeds.state, feeds.x, feeds.ids, feeds.m].map((v) => v.dims)).toEqual([
      [2, 1, 128],
      [1, 3, 224, 224],
      [1, 16],
      [1, 16],
    ]);
  });

  it('of a limited count, by default 32', async () => {
    expect((await openSamples({}, inputs)).count).toBe(32);
  });

  it('cannot be made of text', async () => {
    expect(await codeOf(async () => all(await openSamples({}, [input('t', [1], 'string')])))).toBe(
      'SYNTHETIC_INPUT',
    );
  });
});

describe('the source', () => {
  const x = [input('x', ['n', 3])];

  it('has a hash of data and preprocessing', async () => {
    const hash = async (from: string, preprocess = {}) =>
      (await openSamples({ from: [from], preprocess }, x)).hash;
    expect(await hash(b)).toBe(await hash(b));
    expect(await hash(b)).not.toBe(await hash(three));
    expect(await hash(b)).not.toBe(await hash(b, { preset: 'unit' }));
  });

  it('skips unwanted samples', async () => {
    const source = await openSamples({ from: [three] }, x);
    const seen: number[] = [];
    for await (const sample of source.samples((i) => i % 2 === 0)) seen.push(sample.index);
    expect(seen).toEqual([0, 2]);
  });
});

describe('prefetch', () => {
  it('keeps order, and never runs further ahead than told', async () => {
    let started = 0;
    let taken = 0;
    const seen: number[] = [];
    const make = async (i: number) => {
      started++;
      expect(started - taken).toBeLessThanOrEqual(4);
      await new Promise((resolve) => setTimeout(resolve, 5 - i));
      return i;
    };
    for await (const i of prefetch([0, 1, 2, 3, 4, 5], 3, make)) {
      taken++;
      seen.push(i);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('reports a failure when its turn comes', async () => {
    const seen: number[] = [];
    const make = async (i: number) => {
      if (i === 1) throw new Error('one');
      return i;
    };
    await expect(async () => {
      for await (const i of prefetch([0, 1, 2], 3, make)) seen.push(i);
    }).rejects.toThrow('one');
    expect(seen).toEqual([0]);
  });
});

describe('beside the model', () => {
  const at = (name: string) => `${root}/${name}`;
  put(root, 'm1/net.onnx', 'x');
  put(root, 'm1/net.calibration/a.npy', 'x');
  put(root, 'm1/net.preprocess.json', '{}');
  put(root, 'm2/net.onnx', 'x');
  put(root, 'm2/net.onnx.calibration/a.npy', 'x');
  put(root, 'm3/net.onnx', 'x');
  put(root, 'm3/other.onnx', 'x');
  put(root, 'm3/test_data_set_0/input_0.pb', 'x');
  it.each([
    ['m1/net.onnx', 'm1/net.calibration'],
    ['m2/net.onnx', 'm2/net.onnx.calibration'],
    ['pb/model.onnx', 'pb'],
    ['m3/net.onnx', undefined],
  ])('%s → %s', (model, found) => {
    expect(findSamplesBeside(at(model))).toBe(found && at(found));
  });

  it('finds the preprocessing file', () => {
    expect(findPreprocessBeside(at('m1/net.onnx'))).toBe(at('m1/net.preprocess.json'));
    expect(findPreprocessBeside(at('m2/net.onnx'))).toBeUndefined();
  });
});
