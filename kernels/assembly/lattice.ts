// Rounding to a grid so that tr(E·H·Eᵀ) is small, E = W − Ŵ: a closest-vector problem in the lattice of the codes.
// Rows are independent; four go together, so that each row of the matrix is read once for four.
//
// A grid is a block of nine words: addresses of scales and zero points (f32), of the rows' and the columns' shares of
// a scale's index (i32; scale of w[r][j] = scales[rowBase[r] + columnBase[j]]), lowest and highest code (f32), and
// address and number of sorted levels (f32), and how many bytes the next scale's lie on (0: all share them). No levels:
// whole codes. A negative number of them: every value is on it.

// @ts-ignore: decorator
@inline
function nearestLevel(u: f32, levels: usize, count: i32): f32 {
  let low = 0;
  let high = count - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (load<f32>(levels + (middle << 2)) <= u) low = middle;
    else high = middle;
  }
  const a = load<f32>(levels + (low << 2));
  const b = load<f32>(levels + (high << 2));
  return u - a <= b - u ? a : b;
}

/** The value of the grid that lies nearest to t at row r, column j. */
// @ts-ignore: decorator
@inline
export function onGrid(t: f32, grid: usize, r: usize, j: usize): f32 {
  const count = load<i32>(grid, 28);
  if (count < 0) return t;
  const index = load<i32>(load<usize>(grid, 8) + (r << 2)) + load<i32>(load<usize>(grid, 12) + (j << 2));
  const scale = load<f32>(load<usize>(grid) + (<usize>index << 2));
  if (count > 0) return nearestLevel(t / scale, load<usize>(grid, 24) + <usize>index * load<usize>(grid, 32), count) * scale;
  const zero = load<f32>(load<usize>(grid, 4) + (<usize>index << 2));
  const low = load<f32>(grid, 16) - zero;
  const high = load<f32>(grid, 20) - zero;
  return min(high, max(low, nearest(t / scale))) * scale;
}

/** y[row] += e[row] · x over `n` f32 for four rows of y that lie `stride` bytes apart. */
// @ts-ignore: decorator
@inline
export function addFour(x: usize, y: usize, stride: usize, n: usize, e0: f32, e1: f32, e2: f32, e3: f32): void {
  const v0 = f32x4.splat(e0);
  const v1 = f32x4.splat(e1);
  const v2 = f32x4.splat(e2);
  const v3 = f32x4.splat(e3);
  const y1 = y + stride;
  const y2 = y1 + stride;
  const y3 = y2 + stride;
  const vectors = (n & ~3) << 2;
  let at: usize = 0;
  for (; at < vectors; at += 16) {
    const v = v128.load(x + at);
    v128.store(y + at, f32x4.add(v128.load(y + at), f32x4.mul(v, v0)));
    v128.store(y1 + at, f32x4.add(v128.load(y1 + at), f32x4.mul(v, v1)));
    v128.store(y2 + at, f32x4.add(v128.load(y2 + at), f32x4.mul(v, v2)));
    v128.store(y3 + at, f32x4.add(v128.load(y3 + at), f32x4.mul(v, v3)));
  }
  for (; at < n << 2; at += 4) {
    const v = load<f32>(x + at);
    store<f32>(y + at, load<f32>(y + at) + v * e0);
    store<f32>(y1 + at, load<f32>(y1 + at) + v * e1);
    store<f32>(y2 + at, load<f32>(y2 + at) + v * e2);
    store<f32>(y3 + at, load<f32>(y3 + at) + v * e3);
  }
}

/** y += e · x over `n` f32. */
// @ts-ignore: decorator
@inline
function addOne(x: usize, y: usize, n: usize, e: f32): void {
  const v = f32x4.splat(e);
  const vectors = (n & ~3) << 2;
  let at: usize = 0;
  for (; at < vectors; at += 16) v128.store(y + at, f32x4.add(v128.load(y + at), f32x4.mul(v128.load(x + at), v)));
  for (; at < n << 2; at += 4) store<f32>(y + at, load<f32>(y + at) + load<f32>(x + at) * e);
}

/**
 * Babai's nearest plane: with H = L·Lᵀ the objective is Σ_k (e_k·L_kk + Σ_{i>k} e_i·L_ik)², so going down from the last
 * column each term is made as small as the grid allows. The same result as GPTQ (Frantar et al. 2023) in the form of
 * QuIP's LDLQ (Chee et al. 2023), without an inverse.
 * `w`, `out`: f32 rows × n. `factor`: L as f32 n × n, its i-th row and column being column order[i] of the weights.
 * `feedback`: 4n f32.
 */
export function roundRows(
  w: usize, out: usize, factor: usize, order: usize, rows: usize, n: usize, grid: usize, feedback: usize,
): void {
  const width = n << 2;
  for (let r: usize = 0; r < rows; r += 4) {
    memory.fill(feedback, 0, width << 2);
    for (let i = <i32>n - 1; i >= 0; i--) {
      const line = factor + <usize>i * width;
      const pivot = load<f32>(line + (<usize>i << 2));
      const column: usize = load<i32>(order + (i << 2));
      const push = feedback + (<usize>i << 2);
      const e0 = roundOne(w, out, load<f32>(push) / pivot, r, column, n, rows, grid);
      const e1 = roundOne(w, out, load<f32>(push + width) / pivot, r + 1, column, n, rows, grid);
      const e2 = roundOne(w, out, load<f32>(push + 2 * width) / pivot, r + 2, column, n, rows, grid);
      const e3 = roundOne(w, out, load<f32>(push + 3 * width) / pivot, r + 3, column, n, rows, grid);
      addFour(line, feedback, width, i, e0, e1, e2, e3);
    }
  }
}

/** Rounds w[r][j] + push; returns w − ŵ, 0 beyond the last row. */
// @ts-ignore: decorator
@inline
function roundOne(w: usize, out: usize, push: f32, r: usize, j: usize, n: usize, rows: usize, grid: usize): f32 {
  if (r >= rows) return 0;
  const at = (r * n + j) << 2;
  const value = load<f32>(w + at);
  const rounded = onGrid(value + push, grid, r, j);
  store<f32>(out + at, rounded);
  return value - rounded;
}

/** gradient[lane] = (Ŵ − W)·H of four rows from r on. */
function gradients(w: usize, q: usize, h: usize, r: usize, rows: usize, n: usize, gradient: usize): void {
  const width = n << 2;
  memory.fill(gradient, 0, width << 2);
  for (let i: usize = 0; i < n; i++) {
    const e0 = errorOf(w, q, r, i, n, rows);
    const e1 = errorOf(w, q, r + 1, i, n, rows);
    const e2 = errorOf(w, q, r + 2, i, n, rows);
    const e3 = errorOf(w, q, r + 3, i, n, rows);
    if (e0 != 0 || e1 != 0 || e2 != 0 || e3 != 0) addFour(h + i * width, gradient, width, n, e0, e1, e2, e3);
  }
}

// @ts-ignore: decorator
@inline
function errorOf(w: usize, q: usize, r: usize, i: usize, n: usize, rows: usize): f32 {
  if (r >= rows) return 0;
  const at = (r * n + i) << 2;
  return load<f32>(q + at) - load<f32>(w + at);
}

/** (ŵ − w)·g of one row: its objective. */
function objectiveOf(w: usize, q: usize, gradient: usize, n: usize): f64 {
  let sum: f64 = 0;
  for (let at: usize = 0; at < n << 2; at += 4) {
    sum += (<f64>load<f32>(q + at) - <f64>load<f32>(w + at)) * <f64>load<f32>(gradient + at);
  }
  return sum;
}

/** One sweep over a row; returns how many values moved. `mask` (one byte a value, or 0): zeros are left alone. */
function sweep(q: usize, h: usize, n: usize, grid: usize, r: usize, gradient: usize, mask: usize): i32 {
  const width = n << 2;
  let moved = 0;
  for (let j: usize = 0; j < n; j++) {
    if (mask && !load<u8>(mask + j)) continue;
    const curvature = load<f32>(h + j * width + (j << 2));
    if (!(curvature > 0)) continue;
    const old = load<f32>(q + (j << 2));
    const slope = load<f32>(gradient + (j << 2));
    const step = onGrid(old - slope / curvature, grid, r, j) - old;
    // Rounding of f32 must not make it circle: a move has to gain.
    if (step == 0 || !((slope + slope + step * curvature) * step < 0)) continue;
    store<f32>(q + (j << 2), old + step);
    addOne(h + j * width, gradient, n, step);
    moved++;
  }
  return moved;
}

/**
 * Coordinate descent (QuantEase, Behdin et al. 2023): each value in turn moves to the grid point that is best while the
 * others stay, `sweeps` times at most; no move raises the objective. Writes the objective of every row to
 * `objectives` (f64). No sweeps: only that. `gradient`: 4n f32.
 */
export function descend(
  w: usize, q: usize, h: usize, rows: usize, n: usize, grid: usize, sweeps: i32, mask: usize, gradient: usize,
  objectives: usize,
): void {
  const width = n << 2;
  for (let r: usize = 0; r < rows; r += 4) {
    gradients(w, q, h, r, rows, n, gradient);
    for (let lane: usize = 0; lane < 4 && r + lane < rows; lane++) {
      const at = (r + lane) * width;
      const slope = gradient + lane * width;
      const used = mask ? mask + (r + lane) * n : 0;
      for (let s = 0; s < sweeps; s++) if (sweep(q + at, h, n, grid, r + lane, slope, used) == 0) break;
      store<f64>(objectives + ((r + lane) << 3), objectiveOf(w + at, q + at, slope, n));
    }
  }
}

/**
 * Each scale in turn moves to where the objective is least while the codes stay: s ← s·(1 − (q̂·g)/(q̂·H·q̂)) over the
 * columns that share it, which must lie together. Zero points stay. `gradient`: 4n f32, `image`: 4n f32.
 */
export function refit(
  w: usize, q: usize, h: usize, rows: usize, n: usize, grid: usize, gradient: usize, image: usize,
): void {
  const width = n << 2;
  const columns = load<usize>(grid, 12);
  for (let r: usize = 0; r < rows; r += 4) {
    gradients(w, q, h, r, rows, n, gradient);
    let from: usize = 0;
    while (from < n) {
      const share = load<i32>(columns + (from << 2));
      let to = from + 1;
      while (to < n && load<i32>(columns + (to << 2)) == share) to++;
      memory.fill(image, 0, width << 2);
      for (let j = from; j < to; j++) {
        const at = q + ((r * n + j) << 2);
        const q1 = r + 1 < rows ? load<f32>(at + width) : 0;
        const q2 = r + 2 < rows ? load<f32>(at + 2 * width) : 0;
        const q3 = r + 3 < rows ? load<f32>(at + 3 * width) : 0;
        addFour(h + j * width, image, width, n, load<f32>(at), q1, q2, q3);
      }
      for (let lane: usize = 0; lane < 4 && r + lane < rows; lane++) {
        const own = lane * width;
        refitOne(q + (r + lane) * width, gradient + own, image + own, from, to, n, grid, r + lane);
      }
      from = to;
    }
  }
}

function refitOne(
  q: usize, gradient: usize, image: usize, from: usize, to: usize, n: usize, grid: usize, r: usize,
): void {
  let slope: f64 = 0;
  let curvature: f64 = 0;
  for (let at = from << 2; at < to << 2; at += 4) {
    slope += <f64>load<f32>(q + at) * <f64>load<f32>(gradient + at);
    curvature += <f64>load<f32>(q + at) * <f64>load<f32>(image + at);
  }
  const factor = 1 - slope / curvature;
  if (!(curvature > 0 && factor > 0.5 && factor < 2)) return;
  const index = load<i32>(load<usize>(grid, 8) + (r << 2)) + load<i32>(load<usize>(grid, 12) + (from << 2));
  const scale = load<usize>(grid) + (<usize>index << 2);
  const old = load<f32>(scale);
  const next = <f32>(<f64>old * factor);
  store<f32>(scale, next);
  for (let at = from << 2; at < to << 2; at += 4) store<f32>(q + at, (load<f32>(q + at) / old) * next);
  addOne(image, gradient, n, next / old - 1);
}

/** errors[index of scale] += d_j·(w − ŵ)² of every value rounded by itself; `weights`: d as f32, one a column. */
export function gridErrors(w: usize, weights: usize, rows: usize, n: usize, grid: usize, errors: usize): void {
  const columns = load<usize>(grid, 12);
  for (let r: usize = 0; r < rows; r++) {
    const base = load<i32>(load<usize>(grid, 8) + (r << 2));
    for (let j: usize = 0; j < n; j++) {
      const value = load<f32>(w + ((r * n + j) << 2));
      const error = <f64>(value - onGrid(value, grid, r, j));
      const at = errors + (<usize>(base + load<i32>(columns + (j << 2))) << 3);
      store<f64>(at, load<f64>(at) + <f64>load<f32>(weights + (j << 2)) * error * error);
    }
  }
}

/** Every value rounded by itself. */
export function roundNearest(w: usize, out: usize, rows: usize, n: usize, grid: usize): void {
  for (let r: usize = 0; r < rows; r++) {
    for (let j: usize = 0; j < n; j++) {
      const at = (r * n + j) << 2;
      store<f32>(out + at, onGrid(load<f32>(w + at), grid, r, j));
    }
  }
}
