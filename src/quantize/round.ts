import { type BlockShape, type ChannelParams, scaleIndex } from '../../kernels/blocks.js';
import { shiftedWeights } from '../../kernels/cholesky.js';
import { valuesOf } from '../../kernels/codec.js';
import type { NumberFormat } from '../../kernels/formats.js';
import { LayerRounding } from '../../kernels/lattice.js';
import { pruneLayer, roundLayer } from '../../kernels/round-layer.js';
import type { LinearForm, Moments } from './hessian/index.js';

/** The values that a format can take: whole codes in [low, high], or sorted levels at scale 1. */
export interface Codebook {
  low: number;
  high: number;
  /** Those of all groups, or as many for each of them (`levelsEach`). */
  levels?: Float32Array;
  levelsEach?: number;
  /** All values are: zeros are chosen, and what stays is cast. */
  continuous?: boolean;
  /** Codes that zero points may be, where they may move. */
  zeroPoints?: { low: number; high: number };
}

/**
 * The code without a counterpart (−8 of int4) is worth having where codes are few. At 8 bits it is left out: products of
 * −128 overflow the pair sums of some chips.
 */
const symmetricCodes = ({ bits, qmin, symmetricMin, symmetricMax }: NumberFormat): Codebook => ({
  low: bits < 8 ? qmin : symmetricMin,
  high: symmetricMax,
});

/** What the engine needs to know of a format. */
export function codebookOf(row: NumberFormat, symmetric: boolean, { tables }: ChannelParams): Codebook {
  const whole = { low: row.qmin, high: row.qmax };
  if (row.kind === 'integer') return symmetric ? symmetricCodes(row) : { ...whole, zeroPoints: whole };
  if (tables) return { low: 0, high: 0, levels: tables, levelsEach: 2 ** row.bits };
  if (!row.scaled) return { low: 0, high: 0, continuous: true };
  return { low: 0, high: 0, levels: valuesOf(row).filter(Number.isFinite).sort() };
}

export interface RoundedWeight {
  /** On the grid of `params`: rounding to nearest makes the codes of it. */
  values: Float32Array;
  params: ChannelParams;
  /** Of a sparse weight: 1 for each value that was kept. */
  mask?: Uint8Array;
  /** Mean squared error of the layer's output as the moments tell it, and with rounding to nearest. */
  objective: number;
  nearest: number;
}

/**
 * Rounds a weight by the second moments of what it is multiplied with, group after group. Scales move where the format
 * leaves them free and no two groups share one. With drift it rounds the weights that suit the rounded inputs best.
 * @param centred a bias makes up for a mean error
 * @param zeros which values stay, or with `free` two of every four columns instead, whichever cost most to lose
 */
export function roundByMoments(
  weights: Float32Array,
  shape: BlockShape,
  params: ChannelParams,
  codebook: Codebook,
  form: LinearForm,
  evidence: Moments,
  { centred = false, zeros }: RoundHow = {},
): RoundedWeight {
  const { drift } = evidence;
  const moments = steadied(evidence, form, centred && !drift);
  const [scales, zeroPoints, values] = [params.scales.slice(), params.zeroPoints.slice(), weights.slice()];
  const ranges = Array.from({ length: form.groups }, (_, g) => scaleRange(shape, form, g));
  const apart = ranges.every(([from], g) => g === 0 || from >= ranges[g - 1][1]);
  const free = !params.coded && !params.tables && !codebook.continuous && apart;
  const options = { scales: free, zeroPoints: free ? codebook.zeroPoints : undefined };
  const mask = zeros?.mask.slice();
  let [objective, nearest] = [0, 0];
  let layer: LayerRounding | undefined;
  for (let g = 0; g < form.groups; g++) {
    const [from, to] = ranges[g];
    const part = partOf(weights, shape, form, g, from);
    const square = (matrix: Float64Array) => groupOf(matrix, form.columns, g, part.order);
    const hessian = square(moments);
    const target = drift
      ? shifted(part.weights, hessian, square(drift), form.columns / evidence.vectors)
      : part.weights;
    const grid = {
      ...part,
      ...levelsFrom(codebook, from, to),
      scales: scales.slice(from, to),
      zeroPoints: zeroPoints.slice(from, to),
    };
    layer = new LayerRounding(target, form.rows, form.columns, hessian, grid, layer);
    const kept = zeros && lined(zeros.mask, form, g, part.order);
    const done = kept
      ? pruneLayer(layer, part.weights, options, zeros.free ? undefined : kept)
      : roundLayer(layer, options);
    scatter(done.rounded, form, g, part.order, values);
    if (mask && done.kept) scatter(done.kept, form, g, part.order, mask);
    scales.set(done.scales, from);
    zeroPoints.set(done.zeroPoints, from);
    objective += done.objective;
    nearest += done.nearest;
  }
  const rounded = { values, params: { ...params, scales, zeroPoints }, objective, nearest };
  return mask ? { ...rounded, mask } : rounded;
}

/** What `roundByMoments` may be told. */
export interface RoundHow {
  centred?: boolean;
  zeros?: { mask: Uint8Array; free: boolean };
}

const levelsFrom = (codebook: Codebook, from: number, to: number): Codebook =>
  codebook.levelsEach === undefined
    ? codebook
    : {
        ...codebook,
        levels: codebook.levels?.subarray(from * codebook.levelsEach, to * codebook.levelsEach),
      };

/** What is left of the mean's own part in H where a bias makes up for a mean error: it does so but for the borders. */
const MEAN_LEFT = 0.1;
/** Shares of the mean diagonal that are added for each column a vector: few vectors say little of many columns. */
const ROUND_SHRINKAGE = 0.1;
const SHIFT_SHRINKAGE = 1;
/** The least share that keeps targets from following noise in directions that inputs hardly take. */
const SHIFT_DAMPING = 0.05;

/** H, without the mean's part where that is `centred`, and with a diagonal against what few vectors make up. */
function steadied(
  { moments, mean, perSample, vectors }: Moments,
  form: LinearForm,
  centred: boolean,
): Float64Array {
  const n = form.columns;
  const steady = moments.slice();
  for (let g = 0; g < form.groups; g++) {
    const square = steady.subarray(g * n * n, (g + 1) * n * n);
    const part = mean.subarray(g * n, (g + 1) * n);
    const weight = (1 - MEAN_LEFT) * perSample;
    if (centred)
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) square[i * n + j] -= weight * part[i] * part[j];
    addDiagonal(square, n, (ROUND_SHRINKAGE * n) / Math.max(1, vectors));
  }
  return steady;
}

function addDiagonal(square: Float64Array, n: number, share: number): void {
  let trace = 0;
  for (let j = 0; j < n; j++) trace += square[j * n + j];
  for (let j = 0; j < n; j++) square[j * n + j] += (share * trace) / n;
}

function shifted(
  weights: Float32Array,
  hessian: Float64Array,
  drift: Float64Array,
  columnsPerVector: number,
): Float32Array {
  const n = Math.sqrt(hessian.length);
  const damped = hessian.slice();
  addDiagonal(damped, n, SHIFT_DAMPING + SHIFT_SHRINKAGE * columnsPerVector);
  return shiftedWeights(weights, drift, damped, n) ?? weights;
}

const offset = (
  { groupStride, rowStride, columnStride }: LinearForm,
  g: number,
  r: number,
  j: number,
): number => g * groupStride + r * rowStride + j * columnStride;

/** First and one past the last scale of a group. */
function scaleRange(shape: BlockShape, form: LinearForm, g: number): [number, number] {
  let [from, to] = [Infinity, 0];
  for (let r = 0; r < form.rows; r++)
    for (const j of [0, form.columns - 1]) {
      const index = scaleIndex(shape, offset(form, g, r, j));
      from = Math.min(from, index);
      to = Math.max(to, index + 1);
    }
  return [from, to];
}

/** One group's weights as rows × columns, columns that share a scale beside each other, and where its scales lie. */
function partOf(weights: Float32Array, shape: BlockShape, form: LinearForm, g: number, first: number) {
  const { rows, columns } = form;
  const base = scaleIndex(shape, offset(form, g, 0, 0));
  const shares = Array.from({ length: columns }, (_, j) => scaleIndex(shape, offset(form, g, 0, j)) - base);
  const order = Array.from(shares.keys()).sort((a, b) => shares[a] - shares[b] || a - b);
  return {
    order,
    weights: lined(weights, form, g, order),
    rowBase: Int32Array.from({ length: rows }, (_, r) => scaleIndex(shape, offset(form, g, r, 0)) - first),
    columnBase: Int32Array.from(order, (j) => shares[j]),
  };
}

/** What a tensor holds for one group, as rows × columns. */
function lined<T extends Float32Array | Uint8Array>(
  from: T,
  form: LinearForm,
  g: number,
  order: readonly number[],
): T {
  const { rows, columns } = form;
  const part = from.slice(0, rows * columns) as T;
  for (let r = 0; r < rows; r++)
    for (let j = 0; j < columns; j++) part[r * columns + j] = from[offset(form, g, r, order[j])];
  return part;
}

/** A group's matrix, its rows and columns in another order. */
function groupOf(matrices: Float64Array, columns: number, g: number, order: readonly number[]): Float64Array {
  const square = matrices.slice(g * columns ** 2, (g + 1) * columns ** 2);
  return order.every((from, to) => from === to) ? square : permuted(square, order);
}

function permuted(h: Float64Array, order: readonly number[]): Float64Array {
  const n = order.length;
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) out[i * n + j] = h[order[i] * n + order[j]];
  return out;
}

function scatter<T extends Float32Array | Uint8Array>(
  part: T,
  form: LinearForm,
  g: number,
  order: readonly number[],
  into: T,
): void {
  const { rows, columns } = form;
  for (let r = 0; r < rows; r++)
    for (let j = 0; j < columns; j++) into[offset(form, g, r, order[j])] = part[r * columns + j];
}
