import type { LayerRounding, Rounding } from './lattice.js';
import { twoFourMask } from './sparsity.js';

export interface RoundOptions {
  /** Scales may move: they are free float32, not stored in few bits. */
  scales: boolean;
  /** Zero points may move, within these codes. */
  zeroPoints?: { low: number; high: number };
}

/** Coordinate-descent sweeps: later ones find next to nothing. */
const SWEEPS = 6;
/** Rounds of refitted scales and sweeps. */
const REFITS = 2;
/** Shrunken scales that the clip search tries, as shares of the one that spans the whole range. */
const CLIPS = Array.from({ length: 36 }, (_, i) => 1 - i / 50);

/**
 * A filter of few weights (a depthwise one has nine) has few ways to make up for an error, and much depends on its scale:
 * it is rounded from several.
 */
const FEW_COLUMNS = 64;
const STARTS = [1, 0.92, 0.84, 0.76, 0.68, 0.6];
/** Steps that the clip search moves zero points by. */
const SHIFTS = [0, -1, 1];

export interface RoundedLayer extends Rounding {
  /** tr((Ŵ − W)·H·(Ŵ − W)ᵀ) of Ŵ, and of rounding to nearest on the grids that were given. */
  objective: number;
  nearest: number;
  /** Of a pruned layer: 1 for values that stay. */
  kept?: Uint8Array;
}

/**
 * Rounds a layer by H: clip, compensate, coordinate descent, refit (C1 of the H-engine; see LayerRounding). Rows that
 * would be worse off than by rounding to nearest on the given grids are left at that, so no row ever is.
 */
export function roundLayer(layer: LayerRounding, options: RoundOptions): RoundedLayer {
  layer.nearest();
  const given = stateOf(layer);
  const plain: Candidate = { ...given, objectives: layer.objectives() };
  if (options.scales) clip(layer, options);
  let best = better(layer, worked(layer, options), plain);
  if (options.scales && layer.columns <= FEW_COLUMNS)
    for (const share of STARTS) {
      layer.scales = given.scales.map((scale) => scale * share);
      layer.zeroPoints = given.zeroPoints;
      best = better(layer, worked(layer, options), best);
    }
  const { objectives, ...rounding } = best;
  return { ...rounding, objective: total(objectives), nearest: total(plain.objectives) };
}

/**
 * As `roundLayer` with zeros: two of every four columns, chosen by what they cost, or those that `kept` has. `nearest` is what
 * the largest magnitudes rounded to nearest cost; a layer that would be worse off is left at that.
 */
export function pruneLayer(
  layer: LayerRounding,
  weights: Float32Array,
  options: RoundOptions,
  kept?: Uint8Array,
): RoundedLayer {
  const largest = kept ?? twoFourMask(weights, [layer.rows, layer.columns], 1);
  layer.nearest();
  layer.rounded = layer.rounded.map((x, i) => (largest[i] ? x : 0));
  const plain = { ...stateOf(layer), objective: total(layer.objectives()), kept: largest };
  if (options.scales) clip(layer, options);
  layer.prune({ kept });
  const objective = total(improved(layer, options));
  const best = objective < plain.objective ? { ...stateOf(layer), objective, kept: layer.kept } : plain;
  return { ...best, nearest: plain.objective };
}

/** Compensation, descent and refits from the present grids. */
function worked(layer: LayerRounding, options: RoundOptions): Candidate {
  layer.compensate();
  const objectives = improved(layer, options);
  return { ...stateOf(layer), objectives };
}

/** Descent and refits from what is rounded. @returns the objective of each row */
function improved(layer: LayerRounding, options: RoundOptions): Float64Array {
  let objectives = layer.descend(SWEEPS);
  for (let i = 0; i < REFITS && options.scales && !layer.sharesScales; i++) {
    layer.refit();
    objectives = layer.descend(SWEEPS);
  }
  return objectives;
}

const stateOf = ({ rounded, scales, zeroPoints }: LayerRounding): Rounding => ({
  rounded,
  scales,
  zeroPoints,
});

/** Each grid becomes the narrower (and shifted) one that errs least, errors weighted by the diagonal of H. */
export function clip(layer: LayerRounding, { zeroPoints }: RoundOptions): void {
  const { scales: givenScales, zeroPoints: givenZeros } = layer;
  const best = { scales: givenScales.slice(), zeroPoints: givenZeros.slice() };
  const least = new Float64Array(givenScales.length).fill(Infinity);
  for (const shift of zeroPoints ? SHIFTS : [0]) {
    const zeros = zeroPoints
      ? givenZeros.map((z) => Math.min(zeroPoints.high, Math.max(zeroPoints.low, z + shift)))
      : givenZeros;
    layer.zeroPoints = zeros;
    for (const share of CLIPS) {
      layer.scales = givenScales.map((scale) => scale * share);
      layer.gridErrors(layer.importance).forEach((error, i) => {
        if (error >= least[i]) return;
        least[i] = error;
        best.scales[i] = givenScales[i] * share;
        best.zeroPoints[i] = zeros[i];
      });
    }
  }
  Object.assign(layer, best);
}

type Candidate = Rounding & { objectives: Float64Array };

const total = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);

/** Row by row the better of the two; as a whole where rows share scales. */
function better(layer: LayerRounding, one: Candidate, other: Candidate): Candidate {
  if (layer.sharesScales) return total(one.objectives) <= total(other.objectives) ? one : other;
  other.objectives.forEach((objective, row) => {
    if (one.objectives[row] <= objective) return;
    one.objectives[row] = objective;
    layer.copyRow(row, other, one);
  });
  return one;
}
