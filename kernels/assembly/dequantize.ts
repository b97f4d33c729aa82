// y = (q − z)·s over the block shape [outer, channels, inner].

/** Four codes as i32 lanes. */
// @ts-ignore: decorator
@inline
function codes4(at: usize, signed: bool): v128 {
  const bytes = v128.load32_zero(at);
  return signed
    ? i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(bytes))
    : i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
}

// @ts-ignore: decorator
@inline
function value(at: usize, signed: bool, scale: f32, zeroPoint: i32): f32 {
  const code: i32 = signed ? <i32>load<i8>(at) : <i32>load<u8>(at);
  return <f32>(code - zeroPoint) * scale;
}

function dequantizeRun(codes: usize, out: usize, n: usize, scale: f32, zeroPoint: i32, signed: bool): void {
  const s = f32x4.splat(scale);
  const z = i32x4.splat(zeroPoint);
  let i: usize = 0;
  for (; i + 4 <= n; i += 4) {
    const steps = f32x4.convert_i32x4_s(i32x4.sub(codes4(codes + i, signed), z));
    v128.store(out + (i << 2), f32x4.mul(steps, s));
  }
  for (; i < n; i++) store<f32>(out + (i << 2), value(codes + i, signed, scale, zeroPoint));
}

function dequantizeRow(codes: usize, out: usize, n: usize, scales: usize, zeroPoints: usize, signed: bool): void {
  let i: usize = 0;
  for (; i + 4 <= n; i += 4) {
    const at = i << 2;
    const steps = f32x4.convert_i32x4_s(i32x4.sub(codes4(codes + i, signed), v128.load(zeroPoints + at)));
    v128.store(out + at, f32x4.mul(steps, v128.load(scales + at)));
  }
  for (; i < n; i++) {
    const at = i << 2;
    store<f32>(out + at, value(codes + i, signed, load<f32>(scales + at), load<i32>(zeroPoints + at)));
  }
}

/** `codes`: one byte a value, signed or not; `out` f32. */
export function dequantize(
  codes: usize, out: usize, outer: usize, channels: usize, inner: usize,
  scales: usize, zeroPoints: usize, signed: bool,
): void {
  for (let o: usize = 0; o < outer; o++) {
    if (inner == 1) {
      dequantizeRow(codes, out, channels, scales, zeroPoints, signed);
      codes += channels;
      out += channels << 2;
      continue;
    }
    for (let c: usize = 0; c < channels; c++) {
      dequantizeRun(codes, out, inner, load<f32>(scales + (c << 2)), load<i32>(zeroPoints + (c << 2)), signed);
      codes += inner;
      out += inner << 2;
    }
  }
}
