import { attribute, makeAttribute, setAttribute, stringAttribute } from '../../ir/graph.js';
import { inPlace } from './edits.js';
import type { Adapter } from './types.js';

const GRID_MODES: Record<string, string> = { bilinear: 'linear', bicubic: 'cubic' };

/** Attributes whose default or spelling changed. */
export const RENAMED: readonly Adapter[] = [
  inPlace(
    ['RoiAlign'],
    16,
    'half_pixel becomes the default; the old meaning is output_half_pixel',
    (node) => {
      if (!attribute(node, 'coordinate_transformation_mode'))
        setAttribute(node, makeAttribute.string('coordinate_transformation_mode', 'output_half_pixel'));
    },
  ),
  inPlace(['GridSample'], 20, 'modes bilinear and bicubic are called linear and cubic', (node) => {
    const mode = stringAttribute(node, 'mode', 'bilinear');
    setAttribute(node, makeAttribute.string('mode', GRID_MODES[mode] ?? mode));
  }),
];
