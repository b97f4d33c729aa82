// Rows of a matrix times the inverse of a positive definite one, by its Cholesky factor.

/** y += e·x over `n` f64. */
// @ts-ignore: decorator
@inline
function addScaled(x: usize, y: usize, n: usize, e: f64): void {
  const v = f64x2.splat(e);
  const vectors = (n & ~1) << 3;
  let at: usize = 0;
  for (; at < vectors; at += 16) v128.store(y + at, f64x2.add(v128.load(y + at), f64x2.mul(v128.load(x + at), v)));
  if (at < n << 3) store<f64>(y + at, load<f64>(y + at) + load<f64>(x + at) * e);
}

function dot(x: usize, y: usize, n: usize): f64 {
  let sum = f64x2.splat(0);
  const vectors = (n & ~1) << 3;
  let at: usize = 0;
  for (; at < vectors; at += 16) sum = f64x2.add(sum, f64x2.mul(v128.load(x + at), v128.load(y + at)));
  let total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  if (at < n << 3) total += load<f64>(x + at) * load<f64>(y + at);
  return total;
}

/**
 * w += w·D·(L·Lᵀ)⁻¹ for each of `rows` f32 rows of n. `difference` (D) and `factor` (L): f64 n × n; `line`: n f64.
 */
export function shiftRows(w: usize, difference: usize, factor: usize, rows: usize, n: usize, line: usize): void {
  const width = n << 3;
  for (let r: usize = 0; r < rows; r++) {
    const row = w + ((r * n) << 2);
    memory.fill(line, 0, width);
    for (let i: usize = 0; i < n; i++) addScaled(difference + i * width, line, n, <f64>load<f32>(row + (i << 2)));
    for (let i: usize = 0; i < n; i++) {
      const at = line + (i << 3);
      const pivots = factor + i * width;
      store<f64>(at, (load<f64>(at) - dot(pivots, line, i)) / load<f64>(pivots + (i << 3)));
    }
    for (let k: usize = n; k > 0; k--) {
      const i = k - 1;
      const at = line + (i << 3);
      const pivots = factor + i * width;
      const x = load<f64>(at) / load<f64>(pivots + (i << 3));
      store<f64>(at, x);
      addScaled(pivots, line, i, -x);
    }
    for (let i: usize = 0; i < n; i++) {
      store<f32>(row + (i << 2), <f32>(<f64>load<f32>(row + (i << 2)) + load<f64>(line + (i << 3))));
    }
  }
}
