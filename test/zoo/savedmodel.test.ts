import { describe, expect, it } from 'vitest';
import { agreement, saved } from './packages.js';
import { ZOO } from './samples.js';
import { MODELS } from './zoo.js';

const REFUSED = ['audio/silero_vad_v5', 'audio/silero_vad_v5_op18_ifless'];
/**
 * dB of the package read back against its Q/DQ model, both in float32. A value at a tie moves by a step, and what follows
 * with it: 34 dB is the least measured here (docs/tpu.md).
 */
const LEAST = 30;
/** Small networks of each kind: all multiplications in int8, but for a recurrence. */
const RUN = [
  { id: 'vision/cifar10_resnet8_mlperftiny', int8: 1 },
  { id: 'vision/cifar10_resnet_4b', int8: 1 },
  { id: 'vision/cifar10_vit_pgd_2_3_16', int8: 1 },
  { id: 'audio/dtln_model_1', int8: 0.09 },
];

const models = MODELS.filter((m) => m.metric !== 'refused');

describe.skipIf(!ZOO)('real networks as SavedModels', () => {
  it('at least 22 are made', () => expect(models.length - REFUSED.length).toBeGreaterThanOrEqual(22));

  it.each(models.filter((m) => !REFUSED.includes(m.id)))('$id', async (zoo) => {
    const { pack } = await saved(zoo, undefined);
    expect(pack.readBack().graph.outputs).toHaveLength(pack.lowered.outputs.length);
  });

  it.each(models.filter((m) => REFUSED.includes(m.id)))('$id is refused for its If', async (zoo) => {
    await expect(saved(zoo, undefined)).rejects.toMatchObject({
      code: 'STABLEHLO_OPERATOR',
      message: 'there is no StableHLO form of If here',
    });
  });

  it.each(RUN)('$id in int8', async ({ id, int8 }) => {
    const zoo = models.find((m) => m.id === id)!;
    const made = await saved(zoo, 'int8-perchannel', { compute: 'f32' });
    expect(made.pack.legality.int8Macs).toBeGreaterThanOrEqual(int8);
    expect(await agreement(made)).toBeGreaterThan(LEAST);
  });
});
