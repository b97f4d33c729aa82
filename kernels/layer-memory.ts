import { KernelMemory } from './memory.js';

/**
 * The values that the weights of a layer may take: those of an integer grid scale·(q − zeroPoint), q in [low, high], or
 * scale·level for sorted levels. The scale of row r and column j has the index rowBase[r] + columnBase[j].
 */
export interface LayerGrid {
  scales: Float32Array;
  zeroPoints: ArrayLike<number>;
  rowBase: Int32Array;
  columnBase: Int32Array;
  low: number;
  high: number;
  /** Those of all scales, or as many for each scale, one after the other (`levelsEach`). */
  levels?: Float32Array;
  levelsEach?: number;
  /** Every value is on the grid: pruning without rounding. */
  continuous?: boolean;
}

/** Rounded values, rows × columns, and the grids that they lie on. */
export interface Rounding {
  rounded: Float32Array;
  scales: Float32Array;
  zeroPoints: Float32Array;
}

/** Words of a grid as the kernels read it. */
export const GRID_WORDS = 9;
const ALIGNMENT = 64;

/** Arrays of a layer in the kernels' memory. */
export const PARTS = [
  ...([
    'weights',
    'rounded',
    'hessian',
    'factor',
    'order',
    'feedback',
    'image',
    'objectives',
    'errors',
    'mask',
  ] as const),
  ...(['grid', 'scales', 'zeroPoints', 'levels', 'rowBase', 'columnBase'] as const),
];

export type Part = (typeof PARTS)[number];

/** Bytes of each. */
export const bytesOf = (rows: number, columns: number, grid: LayerGrid) => ({
  weights: 4 * rows * columns,
  rounded: 4 * rows * columns,
  hessian: 4 * columns * columns,
  factor: 8 * columns * columns,
  order: 4 * columns,
  feedback: 16 * columns,
  image: 16 * columns,
  objectives: 8 * rows,
  errors: 8 * grid.scales.length,
  mask: rows * columns,
  grid: 4 * GRID_WORDS,
  scales: 4 * grid.scales.length,
  zeroPoints: 4 * grid.scales.length,
  levels: 4 * (grid.levels?.length ?? 0),
  rowBase: 4 * rows,
  columnBase: 4 * columns,
});

/** @throws RangeError when there is no such memory */
export const layerMemory = (sizes: Record<Part, number>): KernelMemory =>
  new KernelMemory(PARTS.reduce((sum, part) => sum + sizes[part] + ALIGNMENT, 0));
