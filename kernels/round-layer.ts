import type { LayerRounding } from './lattice.js';

/**
 * How a layer's weights are rounded, in ascending order of work: `nearest` each by itself; `compensate` GPTQ on the
 * given scales; `search` also moves the scales: a clip weighted by the diagonal of H before, a refit after.
 */
export interface RoundOptions {
  /** Scales may move (free float32 ones; not those that a format stores in few bits). */
  search: boolean;
}

/** Coordinate-descent sweeps: later ones find next to nothing. */
const SWEEPS = 6;
/** Rounds of refitted scales and sweeps. */
const REFITS = 2;
/** Shrunken scales that the clip search tries, as shares of the one that spans the whole range. */
const CLIPS = Array.from({ length: 36 }, (_, i) => 1 - i / 50);

export interface RoundedLayer {
  /** Ŵ, rows × columns, on the grid of `scales`. */
  rounded: Float32Array;
  scales: Float32Array;
  /** tr((Ŵ − W)·H·(Ŵ − W)ᵀ) of Ŵ, and of rounding to nearest on the scales that were given. */
  objective: number;
  nearest: number;
}

/**
 * Rounds a layer by H: clip, compensate, coordinate descent, refit (C1 of the H-engine; see LayerRounding). Rows that
 * would be worse off than by rounding to nearest on the given scales are left at that, so no row ever is.
 */
export function roundLayer(layer: LayerRounding, options: RoundOptions): RoundedLayer {
  const given = layer.scales;
  layer.nearest();
  const plain = { rounded: layer.rounded, scales: given, objectives: layer.objectives() };
  if (options.search) layer.scales = clippedScales(layer);
  layer.compensate();
  let objectives = layer.descend(SWEEPS);
  for (let i = 0; i < REFITS && options.search && !layer.sharesScales; i++) {
    layer.refit();
    objectives = layer.descend(SWEEPS);
  }
  return better(layer, { rounded: layer.rounded, scales: layer.scales, objectives }, plain);
}

/** For each scale the share of it whose grid errs least, errors weighted by the diagonal of H. */
export function clippedScales(layer: LayerRounding): Float32Array {
  const given = layer.scales;
  const best = given.slice();
  const least = new Float64Array(given.length).fill(Infinity);
  for (const share of CLIPS) {
    layer.scales = given.map((scale) => scale * share);
    layer.gridErrors(layer.importance).forEach((error, i) => {
      if (error >= least[i]) return;
      least[i] = error;
      best[i] = given[i] * share;
    });
  }
  layer.scales = given;
  return best;
}

interface Candidate {
  rounded: Float32Array;
  scales: Float32Array;
  objectives: Float64Array;
}

const total = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);

/** Row by row the better of the two; as a whole where rows share scales. */
function better(layer: LayerRounding, worked: Candidate, plain: Candidate): RoundedLayer {
  const nearest = total(plain.objectives);
  if (layer.sharesScales) {
    const chosen = total(worked.objectives) <= nearest ? worked : plain;
    return { ...chosen, objective: total(chosen.objectives), nearest };
  }
  const { rounded, scales, objectives } = worked;
  plain.objectives.forEach((objective, row) => {
    if (objectives[row] <= objective) return;
    objectives[row] = objective;
    layer.copyRow(row, plain, worked);
  });
  return { rounded, scales, objective: total(objectives), nearest };
}
