import type { Plan } from '../../plan/types.js';
import { layerDamages } from '../damage/damages.js';
import { type Draft, replan } from '../draft.js';
import { settled } from './settled.js';

/** Samples on which a layer is judged: what one layer costs differs more between layers than between samples. */
const SAMPLES = 2;
/** Share of the layers that may stay in float: with more, the model is no longer quantized. */
const MOST = 0.75;
const REASON = 'kept in float: rounding it costs more than rounding most others';

/** Layers by what they cost, the costliest first, and how many of them stay in float. */
export interface Costs {
  layers: string[];
  float: number;
}

/**
 * Keeps the costliest layers in float: one at first, then twice as many each time, up to three quarters of them. A layer's
 * cost is the noise at the outputs when it alone is rounded; noise powers of layers add up nearly.
 */
export async function keepCostliestFloat(draft: Draft): Promise<Draft | undefined> {
  const { layers, float: before } = draft.costs ?? { layers: await rank(draft), float: 0 };
  const float = Math.min(Math.max(1, 2 * before), Math.floor(MOST * layers.length));
  if (float <= before) return undefined;
  const kept = layers.slice(0, float);
  const input = {
    ...draft.input,
    keepFloat: new Set([...draft.input.keepFloat, ...kept]),
    floatReasons: new Map([
      ...(draft.input.floatReasons ?? []),
      ...kept.map((name) => [name, REASON] as const),
    ]),
  };
  return settled({ ...replan(draft, { input }), costs: { layers, float } }, draft);
}

/** Layers with constant weights that compute in integers. */
const layersOf = ({ weights, integer }: Plan): string[] => {
  const weighted = new Set(weights.flatMap((w) => w.uses.map((u) => u.node)));
  return integer.map(({ node }) => node).filter((node) => weighted.has(node));
};

async function rank(draft: Draft): Promise<string[]> {
  const layers = layersOf(draft.plan);
  const damages = await layerDamages(draft, layers, { source: draft.source, limit: SAMPLES });
  return [...layers].sort((a, b) => damages.get(b)!.noise - damages.get(a)!.noise);
}
