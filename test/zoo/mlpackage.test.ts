import { describe, expect, it } from 'vitest';
import { openModel } from '../../src/runtime/index.js';
import { type Exported, exported } from './packages.js';
import { ZOO } from './samples.js';
import { MODELS } from './zoo.js';

/**
 * float16 shifts values by 2⁻¹¹, so that some land on the other side of a rounding tie and move by one step; the noise
 * is a part of that of quantizing itself, which two samples' ranges leave at 20 to 40 dB.
 */
const LEAST = 20;
const EXCEPTIONS: Record<string, { least: number; why: string }> = {
  'audio/basic_pitch_nmp': { least: 12, why: 'the logarithm of powers below what float16 holds' },
  'detect/yunet_n_640': { least: 12, why: 'twelve outputs, the smallest of which spans few steps' },
};
/** 720×720 takes ten seconds in emulated float16. */
const NOT_RUN = ['vision/style_candy'];
const REFUSED = ['audio/silero_vad_v5', 'audio/silero_vad_v5_op18_ifless'];
/** Share of multiplications on the int8 path, where it is not nearly all. */
const PARTLY: Record<string, number> = {
  // Two thirds of the multiplications of its first layer read the input in float.
  'audio/speech_recog_wml': 0.75,
  // Recurrences compute in float.
  'nlp/nnsplit_en': 0,
  'audio/dtln_model_1': 0.09,
};

/** Least SQNR of any output in dB: the package read back against the Q/DQ model it was made from. */
async function agreement({ model, pack, feeds }: Exported): Promise<number> {
  const [a, b] = [await openModel(model, { keepQdq: true }), await openModel(pack.readBack())];
  const [x, y] = [await a.run(feeds), await b.run(feeds)];
  await Promise.all([a.release(), b.release()]);
  const decibels = Object.keys(x).map((name) => {
    let [signal, noise] = [0, 0];
    x[name].data.forEach((value, i) => {
      signal += Number(value) ** 2;
      noise += (Number(value) - Number(y[name].data[i])) ** 2;
    });
    return 10 * Math.log10(signal / noise);
  });
  return Math.min(...decibels);
}

const models = MODELS.filter((m) => m.metric !== 'refused');

describe.skipIf(!ZOO)('real networks as W8A8 Core ML packages', () => {
  it('at least 22 are made', () => expect(models.length - REFUSED.length).toBeGreaterThanOrEqual(22));

  it.each(models.filter((m) => !REFUSED.includes(m.id)))('$id', async (zoo) => {
    const made = await exported(zoo, 'int8-perchannel');
    expect(made.pack.legality.int8Macs).toBeGreaterThanOrEqual(PARTLY[zoo.id] ?? 0.9);
    if (NOT_RUN.includes(zoo.id)) return;
    expect(await agreement(made)).toBeGreaterThan(EXCEPTIONS[zoo.id]?.least ?? LEAST);
  });

  it.each(models.filter((m) => REFUSED.includes(m.id)))('$id is refused for its If', async (zoo) => {
    await expect(exported(zoo, 'int8-float-perchannel')).rejects.toMatchObject({
      code: 'COREML_OPERATOR',
      message: 'Core ML has no form of If',
    });
  });
});
