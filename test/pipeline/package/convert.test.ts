import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { executableModel, toTensorrt } from '../../../src/emit/index.js';
import { dtypeName } from '../../../src/ir/dtypes.js';
import { makeAttribute, makeNode } from '../../../src/ir/graph.js';
import type { Model } from '../../../src/ir/model.js';
import { floatTensor } from '../../../src/ir/tensor.js';
import { lint } from '../../../src/lint/index.js';
import { loadModel, saveModel } from '../../../src/onnx/index.js';
import { type ExportOptions, exportModel } from '../../../src/pipeline.js';
import { openModel } from '../../../src/runtime/index.js';
import { alike } from '../../../src/verify/index.js';
import { source } from '../../emit/emitted.js';
import { everyWeight, written } from '../../emit/written.js';
import { attention, fourBits, insert, node, residual, store, tensor } from '../../lint/models.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'convert-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const HEADS = { q: [1, 32, 64], k: [1, 32, 64], v: [1, 32, 64] };
const IMAGE = { x: [1, 32, 8, 8] };

/** The same values as another tool may write them: unsigned about 128, an int32 bias, an axis left to its default. */
function foreign(): Model {
  const m = residual();
  for (const name of ['x', 'r1', 'a', 'f'])
    store(m, `${name}_zero`, 'uint8', tensor(m, `${name}_zero`).dims, Uint8Array.of(128));
  store(m, 'w1', 'uint8', [32, 32, 3, 3], new Uint8Array(9216).fill(129));
  store(m, 'w1_zero', 'uint8', [32], new Uint8Array(32).fill(128));
  store(
    m,
    'b',
    'int32',
    [32],
    Int32Array.from({ length: 32 }, (_, i) => i * 40),
  );
  m.graph.initializers.push(floatTensor('b_scale', [32], new Float32Array(32).fill(0.0025)));
  const axis = [makeAttribute.int('axis', 0)];
  insert(m, 'w1_dq', makeNode('DequantizeLinear', ['b', 'b_scale'], ['b_dq'], axis, { name: 'b_dq' }));
  node(m, 'c1').inputs[2] = 'b_dq';
  node(m, 'g_dq').attributes = [];
  return m;
}

/** Outputs of two models without optimisation; null means equal bit for bit. */
const difference = async (a: Model, b: Model, inputs: Record<string, number[]>) =>
  (
    await alike(
      [a, b].map((m) => () => openModel(m, { optimize: 'disabled', threads: 1 })) as Parameters<
        typeof alike
      >[0],
      source(inputs, 2),
      2,
    )
  ).sqnrDb;

describe('toTensorrt', () => {
  it('writes casts to FP8 as the pairs that they mean, which read back as casts', async () => {
    const pairs = attention();
    const casts = executableModel(pairs);
    const ops = (m: Model) => m.graph.nodes.map((n) => n.opType);
    expect(ops(casts)).not.toContain('QuantizeLinear');
    expect(ops(toTensorrt(casts).model).sort()).toEqual(ops(pairs).sort());
    expect(await difference(pairs, casts, HEADS)).toBeNull();
    expect(await difference(toTensorrt(casts).model, casts, HEADS)).toBeNull();
    // Casts are run at every level; pairs of FP8 break the optimiser.
    await (await openModel(casts)).release();
    await expect(openModel(pairs)).rejects.toMatchObject({ code: 'MODEL_REJECTED' });
  });

  it('mends what other tools write, value for value', async () => {
    const given = foreign();
    expect(lint(given, 'tensorrt').filter((f) => f.severity === 'error')).not.toEqual([]);
    const { model, changes } = toTensorrt(given);
    expect(changes).toEqual({
      'codes of uint8 written as int8': 9,
      'int32 biases written as floats': 1,
      'axes written': 1,
    });
    expect(lint(model, 'tensorrt')).toEqual([]);
    expect(new Set(model.graph.initializers.map((t) => dtypeName(t.dataType)))).toEqual(
      new Set(['float32', 'int8']),
    );
    expect(await difference(given, model, IMAGE)).toBeNull();
  });
});

describe('export', () => {
  const job = (model: string, more: Partial<ExportOptions>): ExportOptions => ({
    ...{ model: join(folder, model), target: 'cpu', scheme: 'int8-perchannel', method: 'minmax', limit: 2 },
    ...more,
  });

  it('to tensorrt reads back bit for bit, and writes the same bytes again', async () => {
    await saveModel(foreign(), join(folder, 'foreign.onnx'));
    const outputs = ['one.onnx', 'two.onnx'].map((name) => join(folder, name));
    for (const output of outputs) {
      const { package: report } = await exportModel(job('foreign.onnx', { to: 'tensorrt', output }));
      expect([report.roundTrip.sqnrDb, report.findings]).toEqual([null, []]);
    }
    const [one, two] = outputs.map((file) => loadModel(file).sha256);
    expect(one).toBe(two);
  });

  it('to tensorrt refuses ranges that are not centred, and writes nothing', async () => {
    const m = residual();
    store(m, 'a_zero', 'int8', [], Int8Array.of(3));
    await saveModel(m, join(folder, 'shifted.onnx'));
    const output = join(folder, 'never.onnx');
    await expect(exportModel(job('shifted.onnx', { to: 'tensorrt', output }))).rejects.toMatchObject({
      code: 'TENSORRT_RULES',
    });
    expect(existsSync(output)).toBe(false);
  });

  it.each([
    ['one with weights of 4 bits', fourBits],
    ['one with pairs of FP8', attention],
    // No type of 4 bits in .ort: filters and tables become bytes.
    ['one with 4 bits beyond products', async () => (await written(everyWeight(), 'int4-block32')).model],
  ])('of %s to .ort computes what onnxruntime does, and writes the same bytes again', async (_, make) => {
    await saveModel(await make(), join(folder, 'given.onnx'));
    const made: Buffer[] = [];
    for (const name of ['net.ort', 'again.ort']) {
      const output = join(folder, name);
      const { package: report, files } = await exportModel(job('given.onnx', { output }));
      expect([report.format, report.roundTrip.sqnrDb, files]).toEqual(['ort', null, [output]]);
      made.push(readFileSync(output));
    }
    expect(made[1].equals(made[0])).toBe(true);
  });
});
