// H = L·Lᵀ for a symmetric positive definite f64 matrix, row after row, in place in its lower triangle.
// Right-looking and blocked (Golub & Van Loan, "Matrix Computations", 4.2.9): a panel of columns is factored, then
// everything to its right is updated in one pass, so that the matrix crosses the cache n / PANEL times, not n times.

const PANEL: usize = 64;

// @ts-ignore: decorator
@inline
function lanes(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

/** Σ a·b over `n` f64. */
function dot(a: usize, b: usize, n: usize): f64 {
  let even = f64x2.splat(0);
  let odd = f64x2.splat(0);
  let i: usize = 0;
  for (; i + 4 <= n; i += 4) {
    const at = i << 3;
    even = f64x2.add(even, f64x2.mul(v128.load(a + at), v128.load(b + at)));
    odd = f64x2.add(odd, f64x2.mul(v128.load(a + at, 16), v128.load(b + at, 16)));
  }
  let sum = lanes(f64x2.add(even, odd));
  for (; i < n; i++) sum += load<f64>(a + (i << 3)) * load<f64>(b + (i << 3));
  return sum;
}

// @ts-ignore: decorator
@inline
function subtract(at: usize, x: f64): void {
  store<f64>(at, load<f64>(at) - x);
}

/** Subtracts the 2×2 block of dot products over `n` f64 (even) of rows a, a + row with b, b + row from `out`. */
function subtractBlock(out: usize, a: usize, b: usize, row: usize, n: usize): void {
  let s00 = f64x2.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  for (let at: usize = 0; at < n << 3; at += 16) {
    const a0 = v128.load(a + at);
    const a1 = v128.load(a + row + at);
    const b0 = v128.load(b + at);
    const b1 = v128.load(b + row + at);
    s00 = f64x2.add(s00, f64x2.mul(a0, b0));
    s01 = f64x2.add(s01, f64x2.mul(a0, b1));
    s10 = f64x2.add(s10, f64x2.mul(a1, b0));
    s11 = f64x2.add(s11, f64x2.mul(a1, b1));
  }
  subtract(out, lanes(s00));
  subtract(out + 8, lanes(s01));
  subtract(out + row, lanes(s10));
  subtract(out + row + 8, lanes(s11));
}

/** Factors columns [from, to) of all rows from `from` on. Returns 0, or 1 + the column whose pivot is not positive. */
function factorPanel(a: usize, n: usize, from: usize, to: usize): usize {
  const row = n << 3;
  for (let j = from; j < to; j++) {
    const above = a + j * row + (from << 3);
    const pivot = load<f64>(a + j * row + (j << 3)) - dot(above, above, j - from);
    if (!(pivot > 0)) return j + 1;
    const root = Math.sqrt(pivot);
    store<f64>(a + j * row + (j << 3), root);
    for (let i = j + 1; i < n; i++) {
      const at = a + i * row + (j << 3);
      store<f64>(at, (load<f64>(at) - dot(a + i * row + (from << 3), above, j - from)) / root);
    }
  }
  return 0;
}

/** Takes the panel [from, to) out of the rest. Blocks on the diagonal spill one value above it, which nothing reads. */
function updateRest(a: usize, n: usize, from: usize, to: usize): void {
  const row = n << 3;
  const width = to - from;
  const left = a + (from << 3);
  let i = to;
  for (; i + 2 <= n; i += 2) {
    for (let j = to; j <= i; j += 2) {
      subtractBlock(a + i * row + (j << 3), left + i * row, left + j * row, row, width);
    }
  }
  if (i < n) for (let j = to; j <= i; j++) subtract(a + i * row + (j << 3), dot(left + i * row, left + j * row, width));
}

/** Returns 0, or 1 + the index of the first pivot that is not positive; the matrix is spoilt then. */
export function cholesky(a: usize, n: usize): usize {
  for (let from: usize = 0; from < n; from += PANEL) {
    const to = from + PANEL < n ? from + PANEL : n;
    const failed = factorPanel(a, n, from, to);
    if (failed) return failed;
    if (to < n) updateRest(a, n, from, to);
  }
  return 0;
}
