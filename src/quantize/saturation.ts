import { elementOf } from '../../kernels/grid.js';
import type { QuantizedWeight } from './types.js';

/** Largest code of a uint8 activation, and what a sum of two products may reach where x86 adds them in 16 bits. */
const MOST = 255;
const INT16 = { least: -32768, most: 32767 };

/**
 * True when two products of a uint8 activation with codes of one output channel can leave 16 bits: without VNNI, x86 adds
 * each pair of them so (vpmaddubsw), and saturates. From 129 on for the sum of two codes; 7 bits reach 126. Which codes
 * meet is the kernel's affair, so the two largest of a sign count.
 */
export function pairsSaturate({ plan, codes, shape }: QuantizedWeight): boolean {
  const { dtype } = elementOf(plan.format);
  if (plan.weightOnly || dtype !== 'int8' || shape.block !== undefined) return false;
  const { channels, inner } = shape;
  const high = new Int16Array(channels);
  const low = new Int16Array(channels);
  for (let i = 0; i < codes.length; i++) {
    const channel = Math.floor(i / inner) % channels;
    const code = codes[i];
    if (MOST * (high[channel] + code) > INT16.most || MOST * (low[channel] + code) < INT16.least) return true;
    if (code > high[channel]) high[channel] = code;
    if (code < low[channel]) low[channel] = code;
  }
  return false;
}
