import {
  bytesOf,
  GRID_WORDS,
  type LayerGrid,
  layerMemory,
  PARTS,
  type Part,
  type Rounding,
} from './layer-memory.js';
import type { KernelMemory } from './memory.js';
import { instantiate, type KernelExports } from './module.js';

/** GPTQ's share of the mean diagonal that is added to the diagonal, so that directions nobody saw cost something. */
export const DAMPING = 0.01;
/** The next share to try when H is not positive definite in float64. */
const DAMPING_STEP = 10;
/** No sum of x·xᵀ needs more: its eigenvalues are not negative beyond rounding. */
const DAMPING_MOST = 1e3;

export type { LayerGrid, Rounding } from './layer-memory.js';

/**
 * One layer y = W·x with H = E[x·xᵀ], and a rounding Ŵ of its weights that is made better step by step. The objective is
 * tr((Ŵ − W)·H·(Ŵ − W)ᵀ), the mean squared error of the outputs; every step acts on all rows.
 */
export class LayerRounding {
  private readonly memory: KernelMemory;
  private readonly simd: KernelExports;
  private readonly at: Record<Part, number>;
  private readonly order: Int32Array;
  private pruned = false;
  /** The diagonal of H: E[x_j²]. */
  readonly importance: Float32Array;
  /** Some scale serves several rows. */
  readonly sharesScales: boolean;
  /** Distinct column shares of a scale's index. */
  private readonly shares: number[];

  /**
   * @param weights rows × columns, row after row
   * @param hessian columns × columns
   * @param used a layer of the same sizes that is done with: its memory is taken
   * @throws RangeError when sizes do not belong together or the memory is not to be had
   */
  constructor(
    weights: Float32Array,
    readonly rows: number,
    readonly columns: number,
    private readonly hessian: Float64Array,
    private readonly grid: LayerGrid,
    used?: LayerRounding,
  ) {
    checkSizes(weights, rows, columns, hessian, grid);
    const sizes = bytesOf(rows, columns, grid);
    this.memory = used?.memory ?? layerMemory(sizes);
    this.simd = used?.simd ?? instantiate(this.memory.memory);
    if (used) this.memory.reset();
    this.at = Object.fromEntries(PARTS.map((part) => [part, this.memory.allocate(sizes[part])])) as never;
    this.floats('weights').set(weights);
    this.float64('factor').set(hessian);
    this.simd.narrow(this.at.factor, this.at.hessian, columns * columns);
    this.order = new Int32Array(this.memory.buffer, this.at.order, columns);
    this.writeGrid();
    this.importance = Float32Array.from({ length: columns }, (_, j) => hessian[j * columns + j]);
    this.shares = [...new Set(grid.columnBase)];
    this.sharesScales = new Set(this.allIndices()).size < this.shares.length * rows;
  }

  /** Copies a row from one rounding of this layer to another. */
  copyRow(row: number, from: Rounding, to: Rounding): void {
    const [start, end] = [row * this.columns, (row + 1) * this.columns];
    to.rounded.set(from.rounded.subarray(start, end), start);
    for (const i of this.indicesOf(row)) {
      to.scales[i] = from.scales[i];
      to.zeroPoints[i] = from.zeroPoints[i];
    }
  }

  /** Indices of the scales of a row. */
  private indicesOf(row: number): number[] {
    return this.shares.map((share) => this.grid.rowBase[row] + share);
  }

  private *allIndices(): Generator<number> {
    for (let row = 0; row < this.rows; row++) yield* this.indicesOf(row);
  }

  /** Ŵ so far: a copy. */
  get rounded(): Float32Array {
    return this.floats('rounded').slice();
  }

  /** Scales as they are after `refit`: a copy. */
  get scales(): Float32Array {
    return this.floats('scales').slice();
  }

  get zeroPoints(): Float32Array {
    return this.floats('zeroPoints').slice();
  }

  set zeroPoints(values: ArrayLike<number>) {
    this.floats('zeroPoints').set(values);
  }

  set rounded(values: Float32Array) {
    this.floats('rounded').set(values);
  }

  set scales(values: Float32Array) {
    this.floats('scales').set(values);
  }

  /** Every weight to the value of the grid next to it. */
  nearest(): void {
    this.simd.roundNearest(this.at.weights, this.at.rounded, this.rows, this.columns, this.at.grid);
  }

  /**
   * Rounds column after column, those with the largest diagonal first, and makes up for each error in the columns that
   * follow (GPTQ with activation order and static groups).
   * @param actOrder false: from the last column to the first
   */
  compensate({ damping = DAMPING, actOrder = true } = {}): void {
    this.factorise(damping, actOrder);
    const { weights, rounded, factor, order, grid, feedback } = this.at;
    this.simd.roundRows(weights, rounded, factor, order, this.rows, this.columns, grid, feedback);
  }

  /**
   * Makes two of every four neighbouring columns zero and rounds the rest, errors being made up for in the columns that
   * follow (SparseGPT). What is zero stays so in every later step.
   * @param kept 1 for values that stay, rows × columns: these instead
   */
  prune({ damping = DAMPING, kept }: { damping?: number; kept?: Uint8Array } = {}): void {
    this.factorise(damping, false);
    const { weights, rounded, mask, factor, grid, feedback } = this.at;
    if (kept) this.bytes('mask').set(kept);
    const given = kept ? 1 : 0;
    this.simd.pruneRows(weights, rounded, mask, factor, this.rows, this.columns, grid, feedback, given);
    this.pruned = true;
  }

  /** What `prune` left, 1 for values that stay: a copy. */
  get kept(): Uint8Array {
    return this.bytes('mask').slice();
  }

  /** Coordinate descent from the present Ŵ. @returns the objective of each row */
  descend(sweeps: number): Float64Array {
    const { weights, rounded, hessian, grid, feedback, objectives, mask } = this.at;
    const kept = this.pruned ? mask : 0;
    this.simd.descend(
      weights,
      rounded,
      hessian,
      this.rows,
      this.columns,
      grid,
      sweeps,
      kept,
      feedback,
      objectives,
    );
    return new Float64Array(this.memory.buffer, objectives, this.rows).slice();
  }

  /** The objective of each row. */
  objectives(): Float64Array {
    return this.descend(0);
  }

  /** Moves each scale to where the objective is least for the present codes. Rows must not share scales. */
  refit(): void {
    const { weights, rounded, hessian, grid, feedback, image } = this.at;
    this.simd.refit(weights, rounded, hessian, this.rows, this.columns, grid, feedback, image);
  }

  /** Σ d_j·(w − ŵ)² over the weights of each scale, every weight rounded by itself. */
  gridErrors(importance: Float32Array): Float64Array {
    const { weights, feedback, grid, errors } = this.at;
    new Float32Array(this.memory.buffer, feedback, this.columns).set(importance);
    const sums = new Float64Array(this.memory.buffer, errors, this.grid.scales.length).fill(0);
    this.simd.gridErrors(weights, feedback, this.rows, this.columns, grid, errors);
    return sums.slice();
  }

  /** L of the permuted, damped H, as f32 in `factor`. More damping where the pivots ask for it. */
  private factorise(damping: number, actOrder: boolean): void {
    const n = this.columns;
    const { importance } = this;
    const order = Array.from(importance.keys());
    this.order.set(actOrder ? order.sort((a, b) => importance[a] - importance[b]) : order);
    const mean = importance.reduce((a, b) => a + b, 0) / n || 1;
    let share = damping;
    for (this.permuteInto(share * mean); this.simd.cholesky(this.at.factor, n) !== 0; ) {
      share = Math.max(share * DAMPING_STEP, DAMPING / DAMPING_STEP);
      if (!(share < DAMPING_MOST)) throw new RangeError('H is no matrix of second moments');
      this.permuteInto(share * mean);
    }
    this.simd.narrow(this.at.factor, this.at.factor, n * n);
  }

  private permuteInto(shift: number): void {
    const n = this.columns;
    const to = this.float64('factor');
    this.order.forEach((from, i) => {
      const line = this.hessian.subarray(from * n, from * n + n);
      for (let j = 0; j <= i; j++) to[i * n + j] = line[this.order[j]];
      to[i * n + i] += shift;
    });
  }

  private writeGrid(): void {
    const { grid, at } = this;
    this.floats('scales').set(grid.scales);
    this.floats('zeroPoints').set(grid.zeroPoints);
    this.floats('levels').set(grid.levels ?? []);
    const words = new Uint32Array(this.memory.buffer, at.grid, GRID_WORDS);
    new Int32Array(this.memory.buffer, at.rowBase, this.rows).set(grid.rowBase);
    new Int32Array(this.memory.buffer, at.columnBase, this.columns).set(grid.columnBase);
    words.set([at.scales, at.zeroPoints, at.rowBase, at.columnBase]);
    new Float32Array(words.buffer, words.byteOffset).set([grid.low, grid.high], 4);
    const { levels, levelsEach } = grid;
    const count = grid.continuous ? -1 : (levelsEach ?? levels?.length ?? 0);
    words.set([at.levels, count, 4 * (levelsEach ?? 0)], 6);
  }

  private bytes(part: Part): Uint8Array {
    return new Uint8Array(
      this.memory.buffer,
      this.at[part],
      bytesOf(this.rows, this.columns, this.grid)[part],
    );
  }

  private floats(part: Part): Float32Array {
    return new Float32Array(
      this.memory.buffer,
      this.at[part],
      bytesOf(this.rows, this.columns, this.grid)[part] / 4,
    );
  }

  private float64(part: Part): Float64Array {
    return new Float64Array(
      this.memory.buffer,
      this.at[part],
      bytesOf(this.rows, this.columns, this.grid)[part] / 8,
    );
  }
}

function checkSizes(
  weights: Float32Array,
  rows: number,
  columns: number,
  hessian: Float64Array,
  grid: LayerGrid,
): void {
  if (weights.length !== rows * columns || hessian.length !== columns * columns)
    throw new RangeError(`${weights.length} weights and ${hessian.length} of H for ${rows} × ${columns}`);
  if (grid.rowBase.length !== rows || grid.columnBase.length !== columns)
    throw new RangeError(
      `a grid of ${grid.rowBase.length} × ${grid.columnBase.length} for ${rows} × ${columns}`,
    );
}
