import { findBlockFormat } from './block-formats.js';
import { format } from './formats.js';

/** Bits of a float32, the scale of formats that do not say otherwise. */
const FLOAT_BITS = 32;

/**
 * Exact bits of `values` numbers in a format or block format, packed: the codes, and for each of `groups` groups its
 * scale (8 bits in block formats, 32 elsewhere), zero point (`asymmetric`) and look-up table of float32 values. A
 * tensor-wide scale of a two-level format counts once.
 */
export function formatBits(id: string, values: number, groups: number, asymmetric = false): number {
  const block = findBlockFormat(id);
  const row = format(block?.element ?? id);
  const codes = values * row.bits;
  if (block) return codes + groups * 8 + (block.scale === 'fp8' ? FLOAT_BITS : 0);
  if (row.kind === 'table' && !row.table) return codes + groups * 2 ** row.bits * FLOAT_BITS;
  if (!row.scaled) return codes;
  return codes + groups * (FLOAT_BITS + (asymmetric ? row.bits : 0));
}
