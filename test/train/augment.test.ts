import { describe, expect, it } from 'vitest';
import { AUGMENTATIONS, type Augmentation, augmented } from '../../src/train/augment/index.js';
import { seeded } from '../prepare/helpers.js';

const [COUNT, CHANNELS, SIDE] = [6, 3, 8];
const PIXELS = SIDE * SIDE;
const random = seeded(7);
const pictures = Float32Array.from({ length: COUNT * CHANNELS * PIXELS }, random);

/** [N, C, H, W] → [N, H, W, C]. */
const lastChannels = (data: Float32Array): Float32Array =>
  data.map((_, i) => {
    const [n, p, c] = [Math.floor(i / (PIXELS * CHANNELS)), Math.floor(i / CHANNELS) % PIXELS, i % CHANNELS];
    return data[(n * CHANNELS + c) * PIXELS + p];
  });

const batch = (data: Float32Array, dims = [COUNT, CHANNELS, SIDE, SIDE]) => ({
  x: { dtype: 'float32' as const, dims, data },
});
const change = (wanted: readonly Augmentation[], step = 1, feeds = batch(pictures)) => {
  const { feeds: made, mixture } = augmented(feeds, wanted, 5, step);
  return { data: made.x.data as Float32Array, mixture };
};

describe('augmentation', () => {
  it.each([...AUGMENTATIONS.map((a) => [a]), [...AUGMENTATIONS]])(
    '%s: as seed and step decide',
    (...wanted) => {
      expect(change(wanted)).toEqual(change(wanted));
      expect(change(wanted).data).not.toEqual(change(wanted, 2).data);
      expect(change(wanted).data).not.toEqual(pictures);
    },
  );

  it.each(AUGMENTATIONS.map((a) => [a]))('%s: the same where channels lie last', (how) => {
    const last = change([how], 1, batch(lastChannels(pictures), [COUNT, SIDE, SIDE, CHANNELS]));
    expect([...last.data]).toEqual([...lastChannels(change([how]).data)].map((v) => expect.closeTo(v, 6)));
  });

  it('mirrors some pictures and leaves others', () => {
    const { data } = change(['flip']);
    const mirrored = pictures.map((_, i) => pictures[i - (i % SIDE) + SIDE - 1 - (i % SIDE)]);
    const size = CHANNELS * PIXELS;
    const kinds = Array.from({ length: COUNT }, (_, n) => {
      const part = (all: Float32Array) => [...all.subarray(n * size, (n + 1) * size)].join();
      return [pictures, mirrored].findIndex((all) => part(all) === part(data));
    });
    expect(new Set(kinds)).toEqual(new Set([0, 1]));
  });

  it.each(['crop', 'colour', 'shift'] as const)('%s: no value beyond those that there were', (how) => {
    const { data } = change([how]);
    expect(Math.min(...data)).toBeGreaterThanOrEqual(Math.min(...pictures));
    expect(Math.max(...data)).toBeLessThanOrEqual(Math.max(...pictures));
  });

  it('mix: says of which pictures, and by how much', () => {
    const plain = pictures.map((_, i) => Math.floor(i / (CHANNELS * PIXELS)));
    const { data, mixture } = change(['mix'], 3, batch(plain));
    const { partner, share } = mixture!;
    expect(share.some((s) => s < 1)).toBe(true);
    for (let n = 0; n < COUNT; n++) {
      const part = data.subarray(n * CHANNELS * PIXELS, (n + 1) * CHANNELS * PIXELS);
      const mean = part.reduce((a, b) => a + b, 0) / part.length;
      expect(mean).toBeCloseTo(share[n] * n + (1 - share[n]) * partner[n], 5);
    }
  });

  it('leaves what is no picture', () => {
    const feeds = batch(pictures, [COUNT, CHANNELS * PIXELS]);
    expect(augmented(feeds, AUGMENTATIONS, 5, 1)).toEqual({ feeds, mixture: undefined });
  });
});
