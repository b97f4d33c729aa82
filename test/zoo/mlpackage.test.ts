import { describe, expect, it } from 'vitest';
import { agreement, exported } from './packages.js';
import { ZOO } from './samples.js';
import { MODELS } from './zoo.js';

/**
 * dB of the program in float32, so that what is left is the lowering: 13 of 25 networks are equal bit for bit, the others sum in
 * another order (133 dB is the least measured).
 */
const LEAST = 120;
/** As they are written, in float16: values land on the other side of a rounding. 33.5 dB was measured of the ViT, 43 of ResNet-8. */
const HALF_DB = 30;
const IN_HALF = ['vision/cifar10_resnet8_mlperftiny', 'vision/cifar10_vit_pgd_2_3_16'];
/** 720×720 takes twenty seconds; it was equal bit for bit. */
const NOT_RUN = ['vision/style_candy'];
const REFUSED = ['audio/silero_vad_v5', 'audio/silero_vad_v5_op18_ifless'];
/** Share of multiplications on the int8 path, where it is not nearly all. */
const PARTLY: Record<string, number> = {
  // 77.5 % measured.
  'audio/speech_recog_wml': 0.75,
  // Recurrences compute in float.
  'nlp/nnsplit_en': 0,
  'audio/dtln_model_1': 0.09,
};

const models = MODELS.filter((m) => m.metric !== 'refused');

describe.skipIf(!ZOO)('real networks as W8A8 Core ML packages', () => {
  it('at least 22 are made', () => expect(models.length - REFUSED.length).toBeGreaterThanOrEqual(22));

  it.each(models.filter((m) => !REFUSED.includes(m.id)))('$id', async (zoo) => {
    const made = await exported(zoo, 'int8-perchannel', { float: 'fp32', io: 'fp32', roundInputs: true });
    expect(made.pack.legality.int8Macs).toBeGreaterThanOrEqual(PARTLY[zoo.id] ?? 0.9);
    if (NOT_RUN.includes(zoo.id)) return;
    expect(await agreement(made)).toBeGreaterThan(LEAST);
  });

  it.each(models.filter((m) => IN_HALF.includes(m.id)))('$id in float16', async (zoo) => {
    expect(await agreement(await exported(zoo, 'int8-perchannel'))).toBeGreaterThan(HALF_DB);
  });

  it.each(models.filter((m) => REFUSED.includes(m.id)))('$id is refused for its If', async (zoo) => {
    await expect(exported(zoo, 'int8-float-perchannel')).rejects.toMatchObject({
      code: 'COREML_OPERATOR',
      message: 'Core ML has no form of If',
    });
  });
});
