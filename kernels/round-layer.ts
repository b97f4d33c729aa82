import type { LayerRounding, Rounding } from './lattice.js';

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

/** Steps that the clip search moves zero points by. */
const SHIFTS = [0, -1, 1];

export interface RoundedLayer extends Rounding {
  /** tr((Ŵ − W)·H·(Ŵ − W)ᵀ) of Ŵ, and of rounding to nearest on the grids that were given. */
  objective: number;
  nearest: number;
}

/**
 * Rounds a layer by H: clip, compensate, coordinate descent, refit (C1 of the H-engine; see LayerRounding). Rows that
 * would be worse off than by rounding to nearest on the given grids are left at that, so no row ever is.
 */
export function roundLayer(layer: LayerRounding, options: RoundOptions): RoundedLayer {
  layer.nearest();
  const plain = { ...stateOf(layer), objectives: layer.objectives() };
  if (options.scales) clip(layer, options);
  layer.compensate();
  let objectives = layer.descend(SWEEPS);
  for (let i = 0; i < REFITS && options.scales && !layer.sharesScales; i++) {
    layer.refit();
    objectives = layer.descend(SWEEPS);
  }
  return better(layer, { ...stateOf(layer), objectives }, plain);
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
function better(layer: LayerRounding, worked: Candidate, plain: Candidate): RoundedLayer {
  const nearest = total(plain.objectives);
  if (layer.sharesScales) {
    const chosen = total(worked.objectives) <= nearest ? worked : plain;
    return { ...chosen, objective: total(chosen.objectives), nearest };
  }
  const { objectives, ...chosen } = worked;
  plain.objectives.forEach((objective, row) => {
    if (objectives[row] <= objective) return;
    objectives[row] = objective;
    layer.copyRow(row, plain, chosen);
  });
  return { ...chosen, objective: total(objectives), nearest };
}
