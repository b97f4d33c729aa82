import { blockShape } from './blocks.js';
import type { Codes } from './codec.js';
import { packCodes } from './pack.js';

/**
 * Sparsity beside any number format: which values stay, and what they cost. A mask holds 1 for a value that stays and
 * 0 for one that becomes 0.
 */

/** Values of a group of 2:4, and how many of them stay. */
const GROUP = 4;
const KEPT = 2;

/**
 * The largest magnitudes: `density` of all values, rounded to the nearest whole number of them; of equal ones the first.
 * @param scores what to rank by instead of |x|: |x|·√H for Wanda, say
 */
export function magnitudeMask(
  values: Float32Array,
  density: number,
  scores: Float32Array = values.map(Math.abs),
): Uint8Array {
  if (!(density >= 0 && density <= 1)) throw new RangeError(`a density of ${density}`);
  const kept = Math.round(density * values.length);
  const mask = new Uint8Array(values.length);
  if (kept === 0) return mask;
  const threshold = scores.slice().sort()[values.length - kept];
  let room = kept;
  scores.forEach((score, i) => {
    if (score > threshold) {
      mask[i] = 1;
      room--;
    }
  });
  for (let i = 0; i < mask.length && room > 0; i++) {
    if (scores[i] !== threshold) continue;
    mask[i] = 1;
    room--;
  }
  return mask;
}

/**
 * 2:4 sparsity: of every four neighbours along `axis` the two of largest score stay, of equal ones the first. A rest of
 * fewer than four keeps at most two.
 */
export function twoFourMask(
  values: Float32Array,
  dims: readonly number[],
  axis: number,
  scores: Float32Array = values.map(Math.abs),
): Uint8Array {
  const mask = new Uint8Array(values.length);
  eachGroup(dims, axis, (places) => {
    const order = [...places].sort((a, b) => scores[b] - scores[a] || a - b);
    for (const place of order.slice(0, KEPT)) mask[place] = 1;
  });
  return mask;
}

/** Calls `visit` with the places of every group along the axis; all groups of one line, then the next line. */
function eachGroup(dims: readonly number[], axis: number, visit: (places: readonly number[]) => void): void {
  const { outer, channels, inner } = blockShape(dims, axis);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      for (let first = 0; first < channels; first += GROUP) {
        const size = Math.min(GROUP, channels - first);
        visit(Array.from({ length: size }, (_, k) => (o * channels + first + k) * inner + i));
      }
    }
  }
}

export interface PackedTwoFour {
  /** Two codes a group, packed, the first in the low bits; a group with fewer is filled with 0. */
  values: Uint8Array;
  /** Two places of 2 bits a group, i0 | i1 << 2 with i0 < i1, eight groups a word from the low bits on. */
  indices: Uint32Array;
}

/**
 * Codes of a 2:4 sparse tensor without those that the mask leaves out, in the order of `eachGroup`: line by line along the
 * axis. A zero point must be 0, since what is left out stands for the code 0.
 * @throws RangeError when a group keeps more than two
 */
export function packTwoFour(
  codes: Codes,
  mask: Uint8Array,
  dims: readonly number[],
  axis: number,
  bits: number,
): PackedTwoFour {
  const kept: number[] = [];
  const pairs: number[] = [];
  eachGroup(dims, axis, (places) => {
    const chosen = places.map((place, k) => ({ place, k })).filter(({ place }) => mask[place]);
    if (chosen.length > KEPT) throw new RangeError(`${chosen.length} of four values at ${places[0]}`);
    // Fillers take the lowest free places, so that both places differ and ascend.
    const free = [0, 1, 2, 3].filter((k) => !chosen.some((c) => c.k === k));
    const all = [...chosen.map(({ place, k }) => ({ k, code: codes[place] }))];
    while (all.length < KEPT) all.push({ k: free.shift()!, code: 0 });
    all.sort((a, b) => a.k - b.k);
    kept.push(all[0].code, all[1].code);
    pairs.push(all[0].k | (all[1].k << 2));
  });
  const indices = new Uint32Array(Math.ceil(pairs.length / 8));
  pairs.forEach((pair, i) => {
    indices[i >> 3] |= pair << (4 * (i & 7));
  });
  return { values: packWide(kept, bits), indices };
}

/** Codes of more than 8 bits are whole bytes, low ones first. */
function packWide(codes: readonly number[], bits: number): Uint8Array {
  if (bits <= 8) return packCodes(Int16Array.from(codes), bits);
  const bytes = bits / 8;
  return Uint8Array.from(
    { length: codes.length * bytes },
    (_, i) => codes[Math.floor(i / bytes)] >> (8 * (i % bytes)),
  );
}

/** The opposite of `packTwoFour` for codes of at most 8 bits: all codes, 0 where one was left out. */
export function unpackTwoFour(
  kept: Codes,
  indices: Uint32Array,
  dims: readonly number[],
  axis: number,
): Int32Array {
  const out = new Int32Array(dims.reduce((a, b) => a * b, 1));
  let group = 0;
  eachGroup(dims, axis, (places) => {
    const pair = indices[group >> 3] >>> (4 * (group & 7));
    for (const slot of [0, 1]) {
      const place = places[(pair >>> (2 * slot)) & 3];
      if (place !== undefined) out[place] = kept[KEPT * group + slot];
    }
    group++;
  });
  return out;
}

/** A mask as a bitmap, the first value in the lowest bit. */
export const packBitmap = (mask: Uint8Array): Uint8Array => packCodes(mask, 1);

/** Exact bits of the forms in which a sparse tensor can be stored, rounded up as they are packed; scales come on top. */
export interface SparseBits {
  dense: number;
  /** Two values and two places of 2 bits for every group of four along the axis. */
  twoFour: number;
  /** A bit for every value, and the values that stay. */
  bitmap: number;
  /** Compressed rows: a column number with every value, a 32-bit start for every row. */
  csr: number;
  /** What no lossless code of mask and codes can beat: H(mask) + kept · H(code). */
  bound: number;
}

/**
 * @param axis whose neighbours form groups; rows of the compressed form are its lines
 * @param entropy of the kept codes in bits, by default their width
 */
export function sparseBits(
  mask: Uint8Array,
  dims: readonly number[],
  axis: number,
  bits: number,
  entropy = bits,
): SparseBits {
  const { outer, channels, inner } = blockShape(dims, axis);
  const n = mask.length;
  const kept = mask.reduce((a, b) => a + b, 0);
  const groups = outer * inner * Math.ceil(channels / GROUP);
  const share = n === 0 ? 0 : kept / n;
  const column = Math.ceil(Math.log2(Math.max(2, channels)));
  const inBytes = (exact: number): number => 8 * Math.ceil(exact / 8);
  const surprise = (p: number): number => (p > 0 ? -p * Math.log2(p) : 0);
  return {
    dense: inBytes(n * bits),
    twoFour: inBytes(groups * KEPT * bits) + 32 * Math.ceil(groups / 8),
    bitmap: inBytes(n) + inBytes(kept * bits),
    csr: inBytes(kept * bits) + inBytes(kept * column) + outer * inner * 32,
    bound: n * (surprise(share) + surprise(1 - share)) + kept * entropy,
  };
}
