import type { Feeds } from '../../runtime/types.js';
import { uniform } from '../random.js';
import { coloured } from './colour.js';
import { type Mixture, mixtures } from './mix.js';
import type { Augmentation } from './names.js';
import { type Draw, picturesOf } from './picture.js';
import { placed } from './place.js';

export { type Mixture, mixedRows } from './mix.js';
export { AUGMENTATIONS, type Augmentation } from './names.js';

/** Numbers that are drawn for each picture. */
const DRAWS = 16;

/**
 * The batch with its pictures changed as seed and step decide: mirrored, moved by some pixels (the edge repeated), a part
 * enlarged, coloured otherwise, two in one. Other inputs stay as they are.
 */
export function augmented(
  batch: Feeds,
  wanted: readonly Augmentation[],
  seed: number,
  step: number,
): { feeds: Feeds; mixture?: Mixture } {
  const has = (what: Augmentation) => wanted.includes(what);
  const places = { flip: has('flip'), shift: has('shift'), crop: has('crop') };
  const draw: Draw = (picture, what) => uniform(seed, step, DRAWS * picture + what);
  let mixture: Mixture | undefined;
  const changed = Object.entries(batch).map(([name, value]) => {
    const pictures = picturesOf(value);
    if (!pictures) return [name, value];
    let data = value.data as Float32Array;
    if (places.flip || places.shift || places.crop) data = placed(data, pictures, places, draw);
    if (has('colour')) data = coloured(data, pictures, draw);
    if (has('mix')) ({ data, mixture } = mixtures(data, pictures, draw));
    return [name, { ...value, data }];
  });
  return { feeds: Object.fromEntries(changed), mixture };
}
