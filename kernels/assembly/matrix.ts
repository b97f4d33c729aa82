// Moving and summing square matrices.

/** to f64 += from f32, `n` values. */
export function addInto(to: usize, from: usize, n: usize): void {
  const vectors = n & ~3;
  let i: usize = 0;
  for (; i < vectors; i += 4) {
    const x = v128.load(from + (i << 2));
    const high = i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
    const at = to + (i << 3);
    v128.store(at, f64x2.add(v128.load(at), f64x2.promote_low_f32x4(x)));
    v128.store(at, f64x2.add(v128.load(at, 16), f64x2.promote_low_f32x4(high)), 16);
  }
  for (; i < n; i++) store<f64>(to + (i << 3), load<f64>(to + (i << 3)) + <f64>load<f32>(from + (i << 2)));
}

/** `n` f64 to f32; `to` may be `from`. */
export function narrow(from: usize, to: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) store<f32>(to + (i << 2), <f32>load<f64>(from + (i << 3)));
}
