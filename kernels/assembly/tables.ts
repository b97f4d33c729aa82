// Formats of at most 8 bits as a table of size 2^bits: a value takes the rank of the number of thresholds strictly below it.
//
// `thresholds`: size + 1 f32, those that are not needed +Infinity. `values`: f32 by rank, and that of NaN as the last.
// `codes`: a byte for each rank, and that of NaN. The next channel's thresholds and values lie `stride` bytes on, 0 when
// all share them.

/** Bits up to which counting thresholds, four values at a time, is faster than searching. */
const FEW: i32 = 4;

/** One step of a search: `step` more where the threshold there is still below. */
// @ts-ignore: decorator
@inline
function advance(rank: usize, step: usize, u: f32, thresholds: usize): usize {
  return rank + select<usize>(step, 0, load<f32>(thresholds + ((rank + step - 1) << 2)) < u);
}

// @ts-ignore: decorator
@inline
function rankOf(u: f32, thresholds: usize, bits: i32): usize {
  let rank: usize = 0;
  for (let step: usize = (<usize>1 << bits) >> 1; step > 0; step >>= 1) {
    rank = advance(rank, step, u, thresholds);
  }
  return select<usize>(<usize>1 << bits, rank, u != u);
}

/** Four searches side by side, as each step waits for a load: the ranks as i32 lanes. */
// @ts-ignore: decorator
@inline
function search4(u: v128, thresholds: usize, bits: i32): v128 {
  const u0 = f32x4.extract_lane(u, 0);
  const u1 = f32x4.extract_lane(u, 1);
  const u2 = f32x4.extract_lane(u, 2);
  const u3 = f32x4.extract_lane(u, 3);
  let a: usize = 0;
  let b: usize = 0;
  let c: usize = 0;
  let d: usize = 0;
  for (let step: usize = (<usize>1 << bits) >> 1; step > 0; step >>= 1) {
    a = advance(a, step, u0, thresholds);
    b = advance(b, step, u1, thresholds);
    c = advance(c, step, u2, thresholds);
    d = advance(d, step, u3, thresholds);
  }
  let ranks = i32x4.splat(<i32>a);
  ranks = i32x4.replace_lane(ranks, 1, <i32>b);
  ranks = i32x4.replace_lane(ranks, 2, <i32>c);
  ranks = i32x4.replace_lane(ranks, 3, <i32>d);
  return v128.bitselect(i32x4.splat(1 << bits), ranks, f32x4.ne(u, u));
}

// @ts-ignore: decorator
@inline
function ranks4(u: v128, thresholds: usize, bits: i32): v128 {
  const size: usize = <usize>1 << bits;
  let rank = i32x4.splat(0);
  for (let at = thresholds; at < thresholds + ((size - 1) << 2); at += 4) {
    rank = i32x4.sub(rank, f32x4.lt(v128.load32_splat(at), u));
  }
  return v128.bitselect(i32x4.splat(<i32>size), rank, f32x4.ne(u, u));
}

/** The code of a rank, or with `fake` its value. */
// @ts-ignore: decorator
@inline
function put(rank: usize, scale: f32, out: usize, i: usize, by: usize, fake: bool): void {
  if (fake) store<f32>(out + (i << 2), load<f32>(by + (rank << 2)) * scale);
  else store<u8>(out + i, load<u8>(by + rank));
}

/** `n` values that share a channel, or with `each` a channel of their own. `by`: the values or codes of ranks. */
// @ts-ignore: decorator
@inline
function run(
  values: usize, out: usize, n: usize, scales: usize, each: bool,
  thresholds: usize, stride: usize, by: usize, bits: i32, fake: bool,
): void {
  let i: usize = 0;
  if (!each || stride == 0) {
    const shared = v128.load32_splat(scales);
    for (; i + 4 <= n; i += 4) {
      const s = each ? v128.load(scales + (i << 2)) : shared;
      const u = f32x4.div(v128.load(values + (i << 2)), s);
      const ranks = bits <= FEW ? ranks4(u, thresholds, bits) : search4(u, thresholds, bits);
      put(i32x4.extract_lane(ranks, 0), f32x4.extract_lane(s, 0), out, i, by, fake);
      put(i32x4.extract_lane(ranks, 1), f32x4.extract_lane(s, 1), out, i + 1, by, fake);
      put(i32x4.extract_lane(ranks, 2), f32x4.extract_lane(s, 2), out, i + 2, by, fake);
      put(i32x4.extract_lane(ranks, 3), f32x4.extract_lane(s, 3), out, i + 3, by, fake);
    }
  }
  for (; i < n; i++) {
    const channel: usize = each ? i : 0;
    const s = load<f32>(scales + (channel << 2));
    const rank = rankOf(load<f32>(values + (i << 2)) / s, thresholds + channel * stride, bits);
    put(rank, s, out, i, fake ? by + channel * stride : by, fake);
  }
}

/** Codes of one byte over the block shape [outer, channels, inner], one scale a channel. */
export function quantizeTable(
  values: usize, out: usize, outer: usize, channels: usize, inner: usize, scales: usize, zeroPoints: usize,
  thresholds: usize, stride: usize, codes: usize, bits: i32,
): void {
  for (let o: usize = 0; o < outer; o++) {
    if (inner == 1) {
      run(values, out, channels, scales, true, thresholds, stride, codes, bits, false);
      values += channels << 2;
      out += channels;
      continue;
    }
    for (let c: usize = 0; c < channels; c++) {
      run(values, out, inner, scales + (c << 2), false, thresholds + c * stride, stride, codes, bits, false);
      values += inner << 2;
      out += inner;
    }
  }
}

/** dequantize(quantize(x)) without the codes in between; `out` is f32 and may be `values`. */
export function fakeQuantizeTable(
  values: usize, out: usize, outer: usize, channels: usize, inner: usize, scales: usize, zeroPoints: usize,
  thresholds: usize, stride: usize, byRank: usize, bits: i32,
): void {
  for (let o: usize = 0; o < outer; o++) {
    if (inner == 1) {
      run(values, out, channels, scales, true, thresholds, stride, byRank, bits, true);
      values += channels << 2;
      out += channels << 2;
      continue;
    }
    for (let c: usize = 0; c < channels; c++) {
      const shift = c * stride;
      run(values, out, inner, scales + (c << 2), false, thresholds + shift, stride, byRank + shift, bits, true);
      values += inner << 2;
      out += inner << 2;
    }
  }
}

/** Values of byte codes: `table` holds f32 by code, the next channel's `stride` bytes on. */
export function dequantizeTable(
  codes: usize, out: usize, outer: usize, channels: usize, inner: usize, scales: usize, zeroPoints: usize,
  table: usize, stride: usize,
): void {
  for (let o: usize = 0; o < outer; o++) {
    for (let c: usize = 0; c < channels; c++) {
      const scale = load<f32>(scales + (c << 2));
      const byCode = table + c * stride;
      for (let i: usize = 0; i < inner; i++) {
        store<f32>(out + (i << 2), load<f32>(byCode + (<usize>load<u8>(codes + i) << 2)) * scale);
      }
      codes += inner;
      out += inner << 2;
    }
  }
}
