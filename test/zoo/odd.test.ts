import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { QuantizeError } from '../../src/errors.js';
import { checkGraph } from '../../src/ir/check.js';
import { decodeModel, encodeModel, loadModel, saveModel } from '../../src/onnx/index.js';
import { openSession } from '../../src/runtime/index.js';
import type { Feeds, Session, TensorValue } from '../../src/runtime/types.js';
import { randomFeeds } from '../runtime/feeds.js';

const zoo = process.env.QUANTIZE_ZOO;
/** Operators whose result differs from run to run. */
const RANDOM = /^(Random|Bernoulli|Multinomial|Dropout)/;
/** onnxruntime's Pad in wrap mode reads past its input when a pad exceeds the size, so its result is not defined. */
const UNDEFINED = /test_wrap_pad/;

/** The voice detector accepts 512 samples at 16 kHz behind 64 of context, and nothing else. */
const SILERO: Feeds = {
  input: { dtype: 'float32', dims: [1, 576], data: new Float32Array(576).fill(0.1) },
  state: { dtype: 'float32', dims: [2, 1, 128], data: new Float32Array(256) },
  sr: { dtype: 'int64', dims: [], data: BigInt64Array.of(16000n) },
};

interface Entry {
  file: string;
  ops: Record<string, number>;
  tags: string[];
  ort_load: string;
}

/** What became of a model, for the summary. */
type Outcome =
  | 'same outputs'
  | 'same failure to run'
  | 'not runnable here'
  | 'rejected alike'
  | 'refused by us';

describe.skipIf(!zoo)('models that stress a reader (needs QUANTIZE_ZOO)', () => {
  const root = join(zoo ?? '', 'models');
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'quantize-odd-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('every odd model survives load → save and computes the same', async () => {
    const index = JSON.parse(readFileSync(join(root, 'odd/ODD_INDEX.json'), 'utf8')) as Entry[];
    const counts = new Map<Outcome, number>();
    const started = performance.now();
    for (const entry of index) {
      const outcome = await roundTrip(join(root, 'odd', entry.file), join(folder, 'copy.onnx'), entry);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stdout.write(`${index.length} odd models in ${seconds} s: ${JSON.stringify([...counts])}\n`);
    expect(index.length).toBe(2419);
    // Floors, so that a change that silently stops running models fails.
    expect(counts.get('same outputs')).toBeGreaterThanOrEqual(1800);
    expect(counts.get('refused by us')).toBe(1);
  });

  test.each(realModels(root))('%s is written back byte for byte and computes the same', async (file) => {
    const outcome = await roundTrip(join(root, file), join(folder, 'real.onnx'), {
      file,
      ops: {},
      tags: [],
      ort_load: 'ok',
    });
    expect(outcome).toBe('same outputs');
  });
});

/** The trained networks: every .onnx file of the other folders. */
function realModels(root: string): string[] {
  if (!zoo) return [];
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return files.filter((f) => f.endsWith('.onnx') && !f.startsWith('odd')).sort();
}

async function roundTrip(file: string, copy: string, entry: Entry): Promise<Outcome> {
  let loaded: ReturnType<typeof loadModel>;
  try {
    loaded = loadModel(file);
    checkGraph(loaded.model);
  } catch (error) {
    // A refusal must be one of ours, and only of a model that onnxruntime refuses too.
    expect(error, file).toBeInstanceOf(QuantizeError);
    expect(entry.ort_load, file).not.toBe('ok');
    return 'refused by us';
  }
  await saveModel(loaded.model, copy);
  const bytes = readFileSync(copy);
  const again = decodeModel(bytes, copy);
  const external = entry.tags.includes('external');
  if (!external) expect(Buffer.compare(bytes, readFileSync(file)), `${file} changed`).toBe(0);
  expect(Buffer.compare(encodeModel(again), bytes), `${file} is not stable`).toBe(0);
  return compareRuns(file, copy, entry);
}

async function compareRuns(file: string, copy: string, entry: Entry): Promise<Outcome> {
  const [before, after] = [await open(file), await open(copy)];
  if (typeof before === 'string' || typeof after === 'string') {
    expect(after, file).toEqual(before);
    return 'rejected alike';
  }
  try {
    expect(after.inputs).toEqual(before.inputs);
    expect(after.outputs).toEqual(before.outputs);
    const random = randomFeeds(before.inputs, 1);
    const feeds = random && { ...random, ...(file.includes('silero') ? SILERO : {}) };
    if (!feeds || !isDeterministic(entry)) return 'not runnable here';
    const [expected, actual] = [await outputs(before, feeds), await outputs(after, feeds)];
    expect(actual, file).toEqual(expected);
    return typeof expected === 'string' ? 'same failure to run' : 'same outputs';
  } finally {
    await before.release();
    await after.release();
  }
}

const isDeterministic = (entry: Entry): boolean =>
  !UNDEFINED.test(entry.file) && !Object.keys(entry.ops).some((op) => RANDOM.test(op));

/** The session, or onnxruntime's reason without the path of the file. */
async function open(file: string): Promise<Session | string> {
  try {
    return await openSession(file, { threads: 1 });
  } catch (error) {
    return (error as Error).message.replaceAll(file, 'model');
  }
}

/** The outputs' bits, so that NaN equals NaN and 0 differs from −0; or why there are none. */
async function outputs(session: Session, feeds: Record<string, TensorValue>): Promise<unknown> {
  try {
    const out = await session.run(feeds);
    return Object.entries(out).map(([name, { dtype, dims, data }]) => [
      name,
      dtype,
      dims.join(),
      Array.isArray(data) ? data : createHash('sha256').update(data).digest('hex'),
    ]);
  } catch (error) {
    expect(error).toBeInstanceOf(QuantizeError);
    return (error as Error).message;
  }
}
