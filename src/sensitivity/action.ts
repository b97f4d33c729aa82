import type { Damage, LayerSensitivity } from './types.js';

/** Damage that follows from another of the same kind by the ratio of noise powers: KL grows with the power too. */
export function scaled(damage: Damage, ratio: number): Damage {
  const { sqnrDb, noise, kl } = damage;
  return {
    sqnrDb: ratio > 0 && sqnrDb !== null ? sqnrDb - 10 * Math.log10(ratio) : null,
    noise: noise * ratio,
    ...(kl !== undefined && { kl: kl * ratio }),
    estimated: true,
  };
}

/** A layer costs much from this share of all noise on, and one that costs less than the other may take fewer bits. */
const MUCH = 0.05;
const LITTLE = 0.01;

/**
 * What to do about a layer: the rows of a format whose damage is small beside the whole, or what would help most.
 * @param own candidate that the scheme gives the layer
 * @param total noise of the whole network as the scheme has it
 */
export function actionFor(
  { candidates, activations }: Pick<LayerSensitivity, 'candidates'> & { activations: readonly Damage[] },
  own: string,
  total: number,
): string {
  const now = candidates.find((c) => c.candidate === own);
  const read = Math.max(0, ...activations.map((a) => a.noise));
  if (!now || total <= 0) return '';
  if (read >= MUCH * total && read >= now.global.noise) return '16-bit activations for what it reads';
  if (now.global.noise >= MUCH * total) {
    const better = candidates.find((c) => c.global.noise <= now.global.noise / 4);
    return better ? `weights as ${better.candidate}` : 'keep it in float';
  }
  const smaller = [...candidates]
    .sort((a, b) => a.bytes - b.bytes)
    .find((c) => c.bytes < now.bytes && c.global.noise <= LITTLE * total);
  return smaller ? `${smaller.candidate} would do` : '';
}
