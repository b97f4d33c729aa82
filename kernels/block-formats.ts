import type { CodedScales } from './blocks.js';
import type { FormatId } from './formats.js';

/**
 * How the scale of a block is chosen from its largest magnitude. Powers of two: `floor` puts it into the top octave of the
 * element (OCP MX v1.0; the largest values may saturate), `ceil` never saturates, `best` takes of floor − 1, floor and
 * floor + 1 what errs least. Two-level: `max` maps it to the largest value, `fourOverSix` (arXiv 2512.02010) to 6 or 4,
 * whichever errs less.
 */
export type ScaleRule = 'floor' | 'ceil' | 'best' | 'max' | 'fourOverSix';

/** A number format with scales in a format of their own. */
export interface BlockFormat {
  id: string;
  description: string;
  usedIn: string;
  /** Row of kernels/formats.ts. */
  element: FormatId;
  /** Values that share a scale, along the reduction axis. */
  block: number;
  /** Format of a block's scale. */
  scale: CodedScales['format'];
  /** What one step of the element's codes is worth, beside the scale. MXINT8 counts in 64ths. */
  unit: number;
  /** The first is the default. */
  rules: readonly ScaleRule[];
}

const mx = (
  id: string,
  element: FormatId,
  description: string,
  rules: readonly ScaleRule[] = ['best', 'floor', 'ceil'],
  unit = 1,
): BlockFormat => ({
  id,
  description: `${description} with a power-of-two scale for 32 (OCP MX)`,
  usedIn: 'NVIDIA Blackwell, AMD MI350, Microsoft Maia',
  element,
  block: 32,
  scale: 'e8m0',
  unit,
  rules,
});

export const BLOCK_FORMATS: readonly BlockFormat[] = [
  mx('mxfp4', 'fp4', 'E2M1'),
  mx('mxfp6', 'fp6e2m3', 'E2M3'),
  mx('mxfp6e3m2', 'fp6e3m2', 'E3M2'),
  mx('mxfp8', 'fp8', 'E4M3'),
  mx('mxfp8e5m2', 'fp8e5m2', 'E5M2'),
  mx('mxint8', 'int8', '8-bit integers in 64ths', ['floor', 'best', 'ceil'], 1 / 64),
  {
    id: 'nvfp4',
    description: 'E2M1 with an E4M3 scale for 16 and a float32 scale for the tensor',
    usedIn: 'NVIDIA Blackwell',
    element: 'fp4',
    block: 16,
    scale: 'fp8',
    unit: 1,
    rules: ['fourOverSix', 'max'],
  },
];

export const findBlockFormat = (id: string): BlockFormat | undefined =>
  BLOCK_FORMATS.find((row) => row.id === id);

/** The row of a block format that is known to exist. Throws RangeError otherwise (a bug, not a user error). */
export function blockFormat(id: string): BlockFormat {
  const row = findBlockFormat(id);
  if (!row) throw new RangeError(`no block format "${id}"`);
  return row;
}
