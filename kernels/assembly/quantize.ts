// q = saturate(RNE(x / s) + z) over the block shape [outer, channels, inner], one scale and zero point a channel.
import { codes, lowBytes, onGrid, rounded } from './lanes';

// @ts-ignore: decorator
@inline
function quantize4(at: usize, scale: v128, zeroPoint: v128, low: v128, high: v128): v128 {
  return codes(onGrid(v128.load(at), scale, low, high), zeroPoint);
}

/** `n` values that share a scale. */
function quantizeRun(values: usize, out: usize, n: usize, scale: f32, zeroPoint: i32, qmin: i32, qmax: i32): void {
  const s = f32x4.splat(scale);
  const z = i32x4.splat(zeroPoint);
  const low = f32x4.splat(<f32>(qmin - zeroPoint));
  const high = f32x4.splat(<f32>(qmax - zeroPoint));
  let i: usize = 0;
  for (; i + 16 <= n; i += 16) {
    const at = values + (i << 2);
    const a = quantize4(at, s, z, low, high);
    const b = quantize4(at + 16, s, z, low, high);
    const c = quantize4(at + 32, s, z, low, high);
    const d = quantize4(at + 48, s, z, low, high);
    v128.store(out + i, lowBytes(a, b, c, d));
  }
  for (; i < n; i++) {
    const x = f32x4.splat(load<f32>(values + (i << 2)));
    store<u8>(out + i, <u8>i32x4.extract_lane(codes(onGrid(x, s, low, high), z), 0));
  }
}

/** `n` values with a scale each: the channel axis is the last one. */
function quantizeRow(values: usize, out: usize, n: usize, scales: usize, zeroPoints: usize, qmin: i32, qmax: i32): void {
  const qlow = i32x4.splat(qmin);
  const qhigh = i32x4.splat(qmax);
  let i: usize = 0;
  for (; i + 4 <= n; i += 4) {
    const z = v128.load(zeroPoints + (i << 2));
    const low = f32x4.convert_i32x4_s(i32x4.sub(qlow, z));
    const high = f32x4.convert_i32x4_s(i32x4.sub(qhigh, z));
    const q = quantize4(values + (i << 2), v128.load(scales + (i << 2)), z, low, high);
    store<u32>(out + i, i32x4.extract_lane(lowBytes(q, q, q, q), 0));
  }
  for (; i < n; i++) {
    const at = i << 2;
    quantizeRun(values + at, out + i, 1, load<f32>(scales + at), load<i32>(zeroPoints + at), qmin, qmax);
  }
}

/** `out`: one byte a value. `scales` f32 and `zeroPoints` i32, one a channel. */
export function quantize(
  values: usize, out: usize, outer: usize, channels: usize, inner: usize,
  scales: usize, zeroPoints: usize, qmin: i32, qmax: i32,
): void {
  for (let o: usize = 0; o < outer; o++) {
    if (inner == 1) {
      quantizeRow(values, out, channels, scales, zeroPoints, qmin, qmax);
      values += channels << 2;
      out += channels;
      continue;
    }
    for (let c: usize = 0; c < channels; c++) {
      const scale = load<f32>(scales + (c << 2));
      quantizeRun(values, out, inner, scale, load<i32>(zeroPoints + (c << 2)), qmin, qmax);
      values += inner << 2;
      out += inner;
    }
  }
}

function fakeQuantizeRun(values: usize, out: usize, n: usize, scale: f32, low: f32, high: f32): void {
  const s = f32x4.splat(scale);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const end = n << 2;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    v128.store(out + at, f32x4.mul(rounded(onGrid(v128.load(values + at), s, lows, highs)), s));
  }
  for (; at < end; at += 4) {
    const x = f32x4.splat(load<f32>(values + at));
    store<f32>(out + at, f32x4.extract_lane(f32x4.mul(rounded(onGrid(x, s, lows, highs)), s), 0));
  }
}

function fakeQuantizeRow(values: usize, out: usize, n: usize, scales: usize, zeroPoints: usize, qmin: i32, qmax: i32): void {
  const end = n << 2;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    const s = v128.load(scales + at);
    const z = v128.load(zeroPoints + at);
    const low = f32x4.convert_i32x4_s(i32x4.sub(i32x4.splat(qmin), z));
    const high = f32x4.convert_i32x4_s(i32x4.sub(i32x4.splat(qmax), z));
    v128.store(out + at, f32x4.mul(rounded(onGrid(v128.load(values + at), s, low, high)), s));
  }
  for (; at < end; at += 4) {
    const z = load<i32>(zeroPoints + at);
    fakeQuantizeRun(values + at, out + at, 1, load<f32>(scales + at), <f32>(qmin - z), <f32>(qmax - z));
  }
}

/** dequantize(quantize(x)) without the codes in between; `out` is f32 and may be `values`. */
export function fakeQuantize(
  values: usize, out: usize, outer: usize, channels: usize, inner: usize,
  scales: usize, zeroPoints: usize, qmin: i32, qmax: i32,
): void {
  for (let o: usize = 0; o < outer; o++) {
    if (inner == 1) {
      fakeQuantizeRow(values, out, channels, scales, zeroPoints, qmin, qmax);
      values += channels << 2;
      out += channels << 2;
      continue;
    }
    for (let c: usize = 0; c < channels; c++) {
      const z = load<i32>(zeroPoints + (c << 2));
      fakeQuantizeRun(values, out, inner, load<f32>(scales + (c << 2)), <f32>(qmin - z), <f32>(qmax - z));
      values += inner << 2;
      out += inner << 2;
    }
  }
}
