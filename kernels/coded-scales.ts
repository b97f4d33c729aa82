import type { BlockFormat, ScaleRule } from './block-formats.js';
import type { ChannelParams } from './blocks.js';
import { decodeFloat, encodeFloat } from './floats.js';
import { format } from './formats.js';
import { clamp, SMALLEST_NORMAL } from './rounding.js';
import { SCALE_POWERS } from './tables.js';

const SCALE_BIAS = 127;
/** E4M3 scales reach down to 2^-9; the tensor's scale is chosen so that the largest block's is at most 448, or 256. */
const SMALLEST_E4M3 = 2 ** -9;
const LARGEST_E4M3 = 448;
const ROOM_FOR_FOUR = 256;

/** floor(log2 x), exact for every float32 above 0. */
function exponentOf(x: number): number {
  const guess = Math.floor(Math.log2(x));
  if (2 ** guess > x) return guess - 1;
  return 2 ** (guess + 1) <= x ? guess + 1 : guess;
}

/** Effective scales of coded ones: fround(value(code) · tensorScale), as a runtime that dequantizes the scales has them. */
function withScales(format: 'e8m0' | 'fp8', codes: Uint8Array, tensorScale: number): ChannelParams {
  return {
    scales: Float32Array.from(codes, (code) => scaleValue(format, code) * tensorScale),
    zeroPoints: new Int32Array(codes.length),
    coded: { format, codes, tensorScale },
  };
}

const E4M3 = format('fp8').layout!;

const scaleValue = (of: 'e8m0' | 'fp8', code: number): number =>
  of === 'e8m0' ? SCALE_POWERS[code] : decodeFloat(code, E4M3);

/** The exponent of a block's power-of-two scale, without `best`'s neighbours. A block of zeros takes 2^0. */
function scaleExponent(largest: number, element: number, rule: ScaleRule): number {
  if (largest === 0) return 0;
  if (rule !== 'ceil') return exponentOf(largest) - exponentOf(element);
  const down = exponentOf(largest / element);
  return 2 ** down < largest / element ? down + 1 : down;
}

/** Candidates for MX scales: one set, or three with `best`, the middle one first so that it wins ties. */
function mxCandidates(row: BlockFormat, magnitudes: Float32Array, rule: ScaleRule): ChannelParams[] {
  const top = format(row.element).largest * row.unit;
  const shifts = rule === 'best' ? [0, 1, -1] : [0];
  return shifts.map((shift) => {
    const codes = Uint8Array.from(magnitudes, (largest) =>
      clamp(scaleExponent(largest, top, rule) + shift + SCALE_BIAS, 0, 254),
    );
    return withScales('e8m0', codes, row.unit);
  });
}

/**
 * Candidates for NVFP4's scales: g = max|x| / (6 · 448), or 6 · 256 where four-over-six needs room above, and
 * s = E4M3(max|block| / 6 / g), for four-over-six also / 4 (NVIDIA ModelOpt). A block of zeros takes the scale 1.
 */
function twoLevelCandidates(row: BlockFormat, magnitudes: Float32Array, rule: ScaleRule): ChannelParams[] {
  const top = format(row.element).largest;
  const room = rule === 'fourOverSix' ? ROOM_FOR_FOUR : LARGEST_E4M3;
  const largest = magnitudes.reduce((a, b) => Math.max(a, b), 0);
  const tensorScale = Math.fround(Math.max(largest / (top * room), SMALLEST_NORMAL / SMALLEST_E4M3));
  const targets = rule === 'fourOverSix' ? [6, 4] : [top];
  return targets.map((target) => {
    const codes = Uint8Array.from(magnitudes, (magnitude) => {
      const scale = magnitude === 0 ? 1 : Math.fround(Math.fround(magnitude / target) / tensorScale);
      return encodeFloat(clamp(scale, SMALLEST_E4M3, LARGEST_E4M3), E4M3);
    });
    return withScales('fp8', codes, tensorScale);
  });
}

/** The sets of scales that a rule chooses among, block by block, from the largest magnitude of each block. */
export function scaleCandidates(
  row: BlockFormat,
  magnitudes: Float32Array,
  rule: ScaleRule,
): ChannelParams[] {
  if (!row.rules.includes(rule)) throw new RangeError(`${row.id} has no scale rule "${rule}"`);
  return row.scale === 'e8m0'
    ? mxCandidates(row, magnitudes, rule)
    : twoLevelCandidates(row, magnitudes, rule);
}
