// 16-bit integers: quantize.ts and dequantize.ts with codes of two bytes.
import { codes, lowHalves, onGrid } from './lanes';

// @ts-ignore: decorator
@inline
function codes4(at: usize, scale: v128, zeroPoint: v128, qmin: i32, qmax: i32): v128 {
  const low = f32x4.convert_i32x4_s(i32x4.sub(i32x4.splat(qmin), zeroPoint));
  const high = f32x4.convert_i32x4_s(i32x4.sub(i32x4.splat(qmax), zeroPoint));
  return codes(onGrid(v128.load(at), scale, low, high), zeroPoint);
}

// @ts-ignore: decorator
@inline
function lanes4(from: usize, i: usize, each: bool): v128 {
  return each ? v128.load(from + (i << 2)) : v128.load32_splat(from);
}

// @ts-ignore: decorator
@inline
function quantizeRun(values: usize, out: usize, n: usize, scales: usize, zeroPoints: usize, each: bool, qmin: i32, qmax: i32): void {
  let i: usize = 0;
  for (; i + 4 <= n; i += 4) {
    const q = codes4(values + (i << 2), lanes4(scales, i, each), lanes4(zeroPoints, i, each), qmin, qmax);
    v128.store64_lane(out + (i << 1), lowHalves(q, q), 0);
  }
  for (; i < n; i++) {
    const place: usize = each ? i << 2 : 0;
    const z = load<i32>(zeroPoints + place);
    const x = f32x4.splat(load<f32>(values + (i << 2)));
    const v = onGrid(x, v128.load32_splat(scales + place), f32x4.splat(<f32>(qmin - z)), f32x4.splat(<f32>(qmax - z)));
    store<u16>(out + (i << 1), <u16>i32x4.extract_lane(codes(v, i32x4.splat(z)), 0));
  }
}

/** `out`: two bytes a value. */
export function quantizeWide(
  values: usize, out: usize, outer: usize, channels: usize, inner: usize,
  scales: usize, zeroPoints: usize, qmin: i32, qmax: i32,
): void {
  for (let o: usize = 0; o < outer; o++) {
    if (inner == 1) {
      quantizeRun(values, out, channels, scales, zeroPoints, true, qmin, qmax);
      values += channels << 2;
      out += channels << 1;
      continue;
    }
    for (let c: usize = 0; c < channels; c++) {
      quantizeRun(values, out, inner, scales + (c << 2), zeroPoints + (c << 2), false, qmin, qmax);
      values += inner << 2;
      out += inner << 1;
    }
  }
}

// @ts-ignore: decorator
@inline
function dequantizeRun(codes: usize, out: usize, n: usize, scales: usize, zeroPoints: usize, each: bool, signed: bool): void {
  let i: usize = 0;
  for (; i + 4 <= n; i += 4) {
    const halves = v128.load64_zero(codes + (i << 1));
    const q = signed ? i32x4.extend_low_i16x8_s(halves) : i32x4.extend_low_i16x8_u(halves);
    const steps = f32x4.convert_i32x4_s(i32x4.sub(q, lanes4(zeroPoints, i, each)));
    v128.store(out + (i << 2), f32x4.mul(steps, lanes4(scales, i, each)));
  }
  for (; i < n; i++) {
    const place: usize = each ? i << 2 : 0;
    const code: i32 = signed ? <i32>load<i16>(codes + (i << 1)) : <i32>load<u16>(codes + (i << 1));
    store<f32>(out + (i << 2), <f32>(code - load<i32>(zeroPoints + place)) * load<f32>(scales + place));
  }
}

/** `codes`: two bytes a value, signed or not; `out` f32. */
export function dequantizeWide(
  codes: usize, out: usize, outer: usize, channels: usize, inner: usize,
  scales: usize, zeroPoints: usize, signed: bool,
): void {
  for (let o: usize = 0; o < outer; o++) {
    if (inner == 1) {
      dequantizeRun(codes, out, channels, scales, zeroPoints, true, signed);
      codes += channels << 1;
      out += channels << 2;
      continue;
    }
    for (let c: usize = 0; c < channels; c++) {
      dequantizeRun(codes, out, inner, scales + (c << 2), zeroPoints + (c << 2), false, signed);
      codes += inner << 1;
      out += inner << 2;
    }
  }
}
