import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSession } from '../../src/runtime/index.js';

import { dumpSamples, npy } from './dump.js';
import { runJob } from './job.js';
import { ZOO } from './samples.js';
import { MODELS, modelFile } from './zoo.js';

const work = ZOO ? mkdtempSync(join(tmpdir(), 'quantize-narrow-')) : '';
afterAll(() => {
  if (work) rmSync(work, { recursive: true, force: true });
});
const WHY = ZOO ? '' : ' (QUANTIZE_ZOO is not set)';

/** Points of top-1 accuracy that 4-bit weights and 8-bit activations may cost. */
const MAX_DROP = 1;

describe.skipIf(!ZOO)(`4-bit weights, 8-bit activations${WHY}`, () => {
  it.each(['cifar10_resnet_2b', 'cifar10_resnet_4b', 'cifar10_resnet8_mlperftiny', 'cifar10_vit_pgd_2_3_16'])(
    '%s',
    async (name) => {
      const model = MODELS.find((m) => m.id === `vision/${name}`)!;
      const folder = join(work, name);
      for (const set of ['calibration', 'evaluation'] as const)
        await dumpSamples(model.samples(set), join(folder, set));
      const { code, report, stderr } = await runJob([
        ...[modelFile(model), '--scheme', 'int4-a8-perchannel', '-o', join(folder, 'out.onnx')],
        ...['--calibration', join(folder, 'calibration'), '--evaluation', join(folder, 'evaluation')],
        ...['--labels', join(folder, 'evaluation.labels.txt')],
      ]);
      expect(code, stderr).toBe(0);
      expect(report!.metrics!.top1!.drop).toBeLessThanOrEqual(MAX_DROP);
    },
  );
});

const [SEQUENCES, LENGTH, VOCABULARY] = [96, 128, 512];
/** The float model's judgement of 64 sequences, on a machine that others use too. */
const HOOK_MS = 60_000;
/** The first third calibrates, the rest judges. */
const CALIBRATION = 32;

/** Rise of the negative log-likelihood a token over FP32 that block-wise weights may cost. */
const STORIES = [
  { scheme: 'int8-block32', rise: 0.001 },
  { scheme: 'int4-block32', rise: 0.06 },
  { scheme: 'int3-block32', rise: 0.3 },
];

describe.skipIf(!ZOO)(`a language model in blocks of 32 weights${WHY}`, () => {
  const model = join(ZOO, 'models/nlp/stories260K.onnx');
  let ids = new BigInt64Array();
  let float = 0;
  beforeAll(async () => {
    const file = join(ZOO, 'data/stories260K/self_samples_96x128_i64.bin');
    if (!existsSync(file)) return;
    ids = new BigInt64Array(Uint8Array.from(readFileSync(file)).buffer);
    const rows = (from: number, to: number) => ids.slice(from * LENGTH, to * LENGTH);
    writeFileSync(
      join(work, 'calibration.npy'),
      npy({ dtype: 'int64', dims: [CALIBRATION, LENGTH], data: rows(0, CALIBRATION) }),
    );
    float = await likelihood(model);
  }, HOOK_MS);

  /** Mean negative log-likelihood of the next token, in nats. */
  async function likelihood(file: string): Promise<number> {
    // Its fused kernel for blocks of weights rounds activations to 8 bits, which costs 0.001 nats by itself.
    const session = await openSession(file, { optimize: 'disabled' });
    let sum = 0;
    for (let i = CALIBRATION; i < SEQUENCES; i++) {
      const tokens = ids.slice(i * LENGTH, (i + 1) * LENGTH);
      const { logits } = await session.run({
        input_ids: { dtype: 'int64', dims: [1, LENGTH], data: tokens },
      });
      for (let t = 0; t + 1 < LENGTH; t++) {
        const row = (logits.data as Float32Array).subarray(t * VOCABULARY, (t + 1) * VOCABULARY);
        const most = Math.max(...row);
        const total = row.reduce((z, x) => z + Math.exp(x - most), 0);
        sum += most + Math.log(total) - row[Number(tokens[t + 1])];
      }
    }
    await session.release();
    return sum / ((SEQUENCES - CALIBRATION) * (LENGTH - 1));
  }

  it.each(STORIES)('$scheme: at most $rise nats more', async ({ scheme, rise }) => {
    const out = join(work, `${scheme}.onnx`);
    const { code, stderr } = await runJob([
      ...[model, '--target', 'cpu', '--scheme', scheme, '-o', out],
      ...['--calibration', join(work, 'calibration.npy')],
    ]);
    expect(code, stderr).toBe(0);
    expect((await likelihood(out)) - float).toBeLessThanOrEqual(rise);
  });
});
