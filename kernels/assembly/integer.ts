// Integer arithmetic as accelerators do it: products of codes less their zero points, summed in an int32 that wraps
// modulo 2^32, and one multiplication back to codes. Codes are widened to i16 rows first, so that one instruction
// multiplies eight of them and adds the pairs, and so that padding is 0.

// @ts-ignore: decorator
@inline
function code(at: usize, signed: bool): i32 {
  return signed ? <i32>load<i8>(at) : <i32>load<u8>(at);
}

// @ts-ignore: decorator
@inline
function clearTail(row: usize, from: usize, to: usize): void {
  for (let k = from; k < to; k++) store<i16>(row + (k << 1), 0);
}

/**
 * `rows` × `depth` codes → i16 rows of `padded` values (a multiple of 8, zeros at the end), less the zero point of
 * their row. Strides in codes, so that either operand of a product may be transposed.
 */
export function packRows(
  codes: usize, signed: bool, zeroPoints: usize, rows: usize, depth: usize,
  rowStride: usize, depthStride: usize, out: usize, padded: usize,
): void {
  for (let r: usize = 0; r < rows; r++) {
    const z = load<i32>(zeroPoints + (r << 2));
    let at = codes + r * rowStride;
    for (let k: usize = 0; k < depth; k++) {
      store<i16>(out + (k << 1), <i16>(code(at, signed) - z));
      at += depthStride;
    }
    clearTail(out, depth, padded);
    out += padded << 1;
  }
}

/**
 * The patches that a 2-D convolution multiplies, one row for each of the output pixels [first, first + count):
 * [channels, kernelH, kernelW] values of an image [channels, height, width], zeros outside it.
 */
export function packPatches(
  codes: usize, signed: bool, zeroPoint: i32, channels: i32, height: i32, width: i32, kernelH: i32, kernelW: i32,
  strideH: i32, strideW: i32, dilationH: i32, dilationW: i32, top: i32, left: i32, outWidth: i32,
  first: i32, count: i32, out: usize, padded: usize,
): void {
  const depth = <usize>(channels * kernelH * kernelW);
  const plane = <usize>(height * width);
  for (let p = first; p < first + count; p++) {
    const y0 = (p / outWidth) * strideH - top;
    const x0 = (p % outWidth) * strideW - left;
    let to = out;
    let image = codes;
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < kernelH; i++) {
        const y = y0 + i * dilationH;
        const row = image + y * width;
        const inside = y >= 0 && y < height;
        for (let j = 0; j < kernelW; j++) {
          const x = x0 + j * dilationW;
          const value = inside && x >= 0 && x < width ? code(row + x, signed) - zeroPoint : 0;
          store<i16>(to, <i16>value);
          to += 2;
        }
      }
      image += plane;
    }
    clearTail(out, depth, padded);
    out += padded << 1;
  }
}

// @ts-ignore: decorator
@inline
function lanes(sum: v128): i32 {
  return i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3);
}

// @ts-ignore: decorator
@inline
function dot(a: usize, b: usize, bytes: usize): i32 {
  let sum = i32x4.splat(0);
  for (let k: usize = 0; k < bytes; k += 16) {
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load(a + k), v128.load(b + k)));
  }
  return lanes(sum);
}

/** One row of a against four rows of b, so that each load of a serves four products. */
function dot4(a: usize, b: usize, bytes: usize, out: usize, step: usize): void {
  const b1 = b + bytes;
  const b2 = b1 + bytes;
  const b3 = b2 + bytes;
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let k: usize = 0; k < bytes; k += 16) {
    const x = v128.load(a + k);
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(x, v128.load(b + k)));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(x, v128.load(b1 + k)));
    s2 = i32x4.add(s2, i32x4.dot_i16x8_s(x, v128.load(b2 + k)));
    s3 = i32x4.add(s3, i32x4.dot_i16x8_s(x, v128.load(b3 + k)));
  }
  store<i32>(out, load<i32>(out) + lanes(s0));
  store<i32>(out + step, load<i32>(out + step) + lanes(s1));
  store<i32>(out + 2 * step, load<i32>(out + 2 * step) + lanes(s2));
  store<i32>(out + 3 * step, load<i32>(out + 3 * step) + lanes(s3));
}

/**
 * out[i·strideA + j·strideB] += a[i] · b[j] over i16 rows of `padded` values; strides in accumulators. Four rows of b
 * stay in the nearest cache while the rows of a pass by.
 */
export function multiplyRows(
  a: usize, rowsA: usize, b: usize, rowsB: usize, padded: usize, out: usize, strideA: usize, strideB: usize,
): void {
  const bytes = padded << 1;
  const stepA = strideA << 2;
  const stepB = strideB << 2;
  let j: usize = 0;
  for (; j + 4 <= rowsB; j += 4) {
    for (let i: usize = 0; i < rowsA; i++) dot4(a + i * bytes, b, bytes, out + i * stepA, stepB);
    b += 4 * bytes;
    out += 4 * stepB;
  }
  for (; j < rowsB; j++) {
    for (let i: usize = 0; i < rowsA; i++) {
      const at = out + i * stepA;
      store<i32>(at, load<i32>(at) + dot(a + i * bytes, b, bytes));
    }
    b += bytes;
    out += stepB;
  }
}

// @ts-ignore: decorator
@inline
function saturated(steps: f64, zeroPoint: i32, low: i32, high: i32): u8 {
  const rounded = nearest<f64>(steps);
  return <u8>(<i32>min(<f64>(high - zeroPoint), max(<f64>(low - zeroPoint), rounded)) + zeroPoint);
}

/** codes = saturate(RNE(accumulator · multiplier) + zeroPoint) over [outer, channels, inner], an f64 multiplier a channel. */
export function requantize(
  accumulators: usize, out: usize, outer: usize, channels: usize, inner: usize,
  multipliers: usize, zeroPoint: i32, low: i32, high: i32,
): void {
  for (let o: usize = 0; o < outer; o++) {
    for (let c: usize = 0; c < channels; c++) {
      const multiplier = load<f64>(multipliers + (c << 3));
      for (let i: usize = 0; i < inner; i++) {
        store<u8>(out, saturated(<f64>load<i32>(accumulators) * multiplier, zeroPoint, low, high));
        accumulators += 4;
        out++;
      }
    }
  }
}

/** f32 accumulator · multiplier: what an integer layer hands to a float one. */
export function scaleSums(
  accumulators: usize, out: usize, outer: usize, channels: usize, inner: usize, multipliers: usize,
): void {
  for (let o: usize = 0; o < outer; o++) {
    for (let c: usize = 0; c < channels; c++) {
      const multiplier = load<f64>(multipliers + (c << 3));
      for (let i: usize = 0; i < inner; i++) {
        store<f32>(out, <f32>(<f64>load<i32>(accumulators) * multiplier));
        accumulators += 4;
        out += 4;
      }
    }
  }
}

/** codes = saturate(RNE((a − za)·ma + (b − zb)·mb) + zeroPoint). */
export function addCodes(
  a: usize, signedA: bool, za: i32, ma: f64, b: usize, signedB: bool, zb: i32, mb: f64,
  n: usize, out: usize, zeroPoint: i32, low: i32, high: i32,
): void {
  for (let i: usize = 0; i < n; i++) {
    const steps = <f64>(code(a + i, signedA) - za) * ma + <f64>(code(b + i, signedB) - zb) * mb;
    store<u8>(out + i, saturated(steps, zeroPoint, low, high));
  }
}

/** accumulators = (a − za)·(b − zb). */
export function multiplyCodes(
  a: usize, signedA: bool, za: i32, b: usize, signedB: bool, zb: i32, n: usize, out: usize,
): void {
  for (let i: usize = 0; i < n; i++) {
    store<i32>(out + (i << 2), (code(a + i, signedA) - za) * (code(b + i, signedB) - zb));
  }
}

/** u8 |code − zeroPoint| over [outer, channels, inner], one zero point a channel. */
export function magnitudes(
  codes: usize, signed: bool, zeroPoints: usize, outer: usize, channels: usize, inner: usize, out: usize,
): void {
  for (let o: usize = 0; o < outer; o++) {
    for (let c: usize = 0; c < channels; c++) {
      const z = load<i32>(zeroPoints + (c << 2));
      for (let i: usize = 0; i < inner; i++) store<u8>(out++, <u8>abs<i32>(code(codes++, signed) - z));
    }
  }
}

/** The largest |accumulator|. */
export function widest(accumulators: usize, n: usize): f64 {
  let low: i32 = 0;
  let high: i32 = 0;
  for (let i: usize = 0; i < n; i++) {
    const value = load<i32>(accumulators + (i << 2));
    low = min<i32>(low, value);
    high = max<i32>(high, value);
  }
  return max<f64>(<f64>high, -<f64>low);
}
