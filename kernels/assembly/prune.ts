// SparseGPT (Frantar & Alistarh 2023) in the lattice's own loop: two of every four neighbours become zero, chosen when
// the loop comes to them by what losing them costs, and the columns that follow make up for it as for any other error.
import { addFour, onGrid } from './lattice';

/**
 * What making t zero costs when its column is next: (t·L_kk)², t being the weight and what it has to make up for.
 */
// @ts-ignore: decorator
@inline
function cost(w: usize, feedback: usize, factor: usize, n: usize, k: usize): f32 {
  const pivot = load<f32>(factor + ((k * n + k) << 2));
  const t = load<f32>(w + (k << 2)) * pivot + load<f32>(feedback + (k << 2));
  return t * t;
}

/** Marks the two columns of [from, to) that cost most to lose. `w`, `mask`, `feedback`: one row. */
function keepTwo(w: usize, mask: usize, feedback: usize, factor: usize, n: usize, from: usize, to: usize): void {
  for (let k = from; k < to; k++) {
    const own = cost(w, feedback, factor, n, k);
    let larger = 0;
    for (let other = from; other < to; other++) {
      const theirs = cost(w, feedback, factor, n, other);
      if (theirs > own || (theirs == own && other < k)) larger++;
    }
    store<u8>(mask + k, larger < 2 ? 1 : 0);
  }
}

/**
 * As roundRows, in the natural order from the last column on. `mask`: rows × n bytes, 1 for values that stay; with `given` it
 * is obeyed, else it is filled.
 */
export function pruneRows(
  w: usize, out: usize, mask: usize, factor: usize, rows: usize, n: usize, grid: usize, feedback: usize,
  given: i32,
): void {
  const width = n << 2;
  for (let r: usize = 0; r < rows; r += 4) {
    const four = rows - r < 4 ? rows - r : 4;
    memory.fill(feedback, 0, width << 2);
    for (let k: usize = n; k > 0; k--) {
      const i = k - 1;
      if (!given && (k == n || (k & 3) == 0)) {
        for (let lane: usize = 0; lane < four; lane++) {
          const row = r + lane;
          keepTwo(w + row * width, mask + row * n, feedback + lane * width, factor, n, i & ~3, k);
        }
      }
      const line = factor + i * width;
      const push = feedback + (i << 2);
      const pivot = load<f32>(line + (i << 2));
      const e0 = roundKept(w, out, mask, load<f32>(push) / pivot, r, i, n, rows, grid);
      const e1 = roundKept(w, out, mask, load<f32>(push + width) / pivot, r + 1, i, n, rows, grid);
      const e2 = roundKept(w, out, mask, load<f32>(push + 2 * width) / pivot, r + 2, i, n, rows, grid);
      const e3 = roundKept(w, out, mask, load<f32>(push + 3 * width) / pivot, r + 3, i, n, rows, grid);
      addFour(line, feedback, width, i, e0, e1, e2, e3);
    }
  }
}

// @ts-ignore: decorator
@inline
function roundKept(
  w: usize, out: usize, mask: usize, push: f32, r: usize, j: usize, n: usize, rows: usize, grid: usize,
): f32 {
  if (r >= rows) return 0;
  const at = r * n + j;
  const value = load<f32>(w + (at << 2));
  const rounded = load<u8>(mask + at) ? onGrid(value + push, grid, r, j) : <f32>0;
  store<f32>(out + (at << 2), rounded);
  return value - rounded;
}
