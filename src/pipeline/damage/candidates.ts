import { elementOf } from '../../../kernels/grid.js';
import { entropyOf } from '../../../kernels/information.js';
import { dequantize } from '../../../kernels/quantize.js';
import { usageError } from '../../errors.js';
import { draftPlan, parseScheme } from '../../plan/index.js';
import type { Scheme, WeightPlan } from '../../plan/types.js';
import { type QuantizedWeight, quantizeNumbers, type RoundedWeights } from '../../quantize/index.js';
import { shapesOf } from '../../report/shapes.js';
import { plannedBytes } from '../../report/stored.js';
import type { Draft } from '../draft.js';

/** What is tried where nothing else is asked for. */
export const DEFAULT_CANDIDATES = ['int4', 'int8', 'int16'] as const;

/** A format for weights: "int4" (one scale an output channel) or "int4-block32". */
export interface Candidate {
  id: string;
  weights: string;
  granularity: Scheme['granularity'];
}

/** @throws QuantizeError UNKNOWN_SCHEME, NO_CANDIDATES (usage) */
export function parseCandidates(ids: readonly string[]): Candidate[] {
  if (ids.length === 0) throw usageError('NO_CANDIDATES', 'there are no formats to try');
  return [...new Set(ids)].map((id) => {
    const { weights, granularity } = parseScheme(named(id));
    return { id, weights, granularity };
  });
}

/** "int4" → "int4-perchannel"; formats that settle their own scales stand as they are. */
function named(id: string): string {
  if (id.includes('-')) return id;
  try {
    parseScheme(id);
    return id;
  } catch {
    return `${id}-perchannel`;
  }
}

/** The scheme's own weights, as a candidate is named. */
export function ownCandidate({ job: { scheme } }: Draft): string {
  const { weights, granularity } = scheme;
  if (granularity.kind === 'block') return `${weights}-block${granularity.size}`;
  return granularity.kind === 'perlayer' ? `${weights}-perlayer` : weights;
}

/** A weight in a candidate's format. */
export interface Variant {
  plan: WeightPlan;
  values: Float32Array;
  bytes: number;
  entropyBits: number;
}

/** Where a weight is read first: what its plans in other formats have in common. */
export const placeOf = ({ uses: [use] }: WeightPlan): string => JSON.stringify([use.node, use.input]);

/**
 * Plans of all weights in one format, as the draft's are made.
 * @param uniform false: the ends of the network may keep more bits, as in a scheme of this format
 */
export function plansIn(
  { input, plan, job }: Draft,
  { weights, granularity, id }: Candidate,
  uniform = true,
): WeightPlan[] {
  const activations = plan.activations[0]?.format ?? 'none';
  const scheme: Scheme = { name: id, weights, granularity, activations };
  const writing = { ...input.writing, uniform };
  return draftPlan({ ...input, scheme, writing, formats: undefined }, job.loaded.sha256).weights;
}

/** Every weight in one format, by its place. @param rounded weights that data rounded */
export function variantsOf(
  draft: Draft,
  plans: readonly WeightPlan[],
  rounded?: RoundedWeights,
): Map<string, Variant> {
  const { job, plan, types } = draft;
  const whole = { ...plan, weights: [...plans], biases: [] };
  const bytes = plannedBytes(whole, shapesOf(job.prepared, types));
  const { weights } = quantizeNumbers(job.prepared, whole, undefined, rounded).numbers;
  return new Map(
    weights.map((w): [string, Variant] => [
      placeOf(w.plan),
      { plan: w.plan, values: valuesOf(w), bytes: bytes(w.plan.tensor) ?? 0, entropyBits: codeEntropy(w) },
    ]),
  );
}

const valuesOf = ({ codes, shape, params, plan }: QuantizedWeight): Float32Array =>
  dequantize(codes, shape, params, elementOf(plan.format));

/** Bits a value that the codes hold: counted by their bits. */
function codeEntropy({ codes, plan }: QuantizedWeight): number {
  const { bits } = elementOf(plan.format);
  if (bits > 16) return bits;
  const counts = new Float64Array(2 ** bits);
  for (let i = 0; i < codes.length; i++) counts[codes[i] & (counts.length - 1)]++;
  return entropyOf(counts);
}
