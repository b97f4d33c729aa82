import { type Draft, meansFor } from '../draft.js';

/**
 * The mean drift of every channel taken out of the biases. Helps most networks, and hurts some whose answer lies in rare
 * values (the one face in an image). Made-up samples say nothing about means, but normalisations that were folded do.
 */
export async function correctBiases(draft: Draft): Promise<Draft | undefined> {
  const { plan, source } = draft;
  if (plan.biasCorrection || plan.biases.length === 0) return undefined;
  const biasCorrection = source.kind === 'real' || ('expected' as const);
  const next = { ...draft, plan: { ...plan, biasCorrection } };
  const means = await meansFor(next);
  return means.size === 0 ? undefined : { ...next, means };
}

/** The same for what the whole network up to each layer brings, not the rounding of its own input alone. */
export async function correctInTurn(draft: Draft): Promise<Draft | undefined> {
  if (draft.source.kind !== 'real' || draft.plan.biases.length === 0) return undefined;
  const next = { ...draft, plan: { ...draft.plan, biasCorrection: 'sequential' as const } };
  return { ...next, means: await meansFor(next) };
}
