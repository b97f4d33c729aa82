import { findFormat, type NumberFormat } from '../../kernels/formats.js';
import { elementOf } from '../../kernels/grid.js';
import type { Node } from '../ir/model.js';
import type { Flow, PlanInput } from './flow.js';
import { activationsOn, MULTIPLIED_BITS } from './scheme.js';
import type { Scheme } from './types.js';

/** What the ends of a network keep where a scheme goes below it. */
const END_FORMAT = 'int8';

/** The scheme of the network's ends, where it is not that of the rest. */
export interface Ends {
  nodes: ReadonlySet<Node>;
  scheme: Scheme;
  reason: string;
}

/**
 * Where activations are integers and weights have fewer bits, the layers with no layer before them, and those with none
 * behind, keep 8 bits: pixels and answers suffer most from coarse weights, and those layers are small or few.
 */
export function endsOf(flow: Flow, { scheme, target, writing }: PlanInput): Ends | undefined {
  const weights = elementOf(scheme.weights);
  const activations = activationsOn(scheme, target);
  if (writing?.uniform || weights.kind !== 'integer' || weights.bits >= MULTIPLIED_BITS) return undefined;
  if (activations === 'none' || activations === 'dynamic') return undefined;
  const granularity =
    scheme.granularity.kind === 'perlayer' ? scheme.granularity : ({ kind: 'perchannel' } as const);
  return {
    nodes: new Set(endNodes(flow)),
    scheme: { ...scheme, weights: END_FORMAT, granularity },
    reason: `${END_FORMAT}: first or last layer, where coarse weights cost most`,
  };
}

const endNodes = (flow: Flow): Node[] => [...withoutLinear(flow, 'before'), ...withoutLinear(flow, 'behind')];

/** The format of a scheme's activations where it has fewer bits than 8, and not every operator is to have just it. */
export function narrowActivations({ scheme, target, writing }: PlanInput): NumberFormat | undefined {
  const row = findFormat(activationsOn(scheme, target));
  if (writing?.uniform || row?.kind !== 'integer') return undefined;
  return row.bits < elementOf(END_FORMAT).bits ? row : undefined;
}

/** Activations that keep 8 bits where the scheme's go below, each with the reason. */
export interface SparedActivations {
  format: string;
  reasons: ReadonlyMap<string, string>;
}

/**
 * Where activations have fewer bits than 8, those that the ends read keep 8, as is usual (LSQ, arXiv 1902.08153): pixels of 16
 * shades are most of what 4 bits cost a small network.
 */
export function sparedActivations(flow: Flow, input: PlanInput): SparedActivations | undefined {
  const row = narrowActivations(input);
  if (!row) return undefined;
  const read = endNodes(flow).flatMap((node) => flow.candidates.get(node)!.activations);
  return {
    format: row.signed ? END_FORMAT : `u${END_FORMAT}`,
    reasons: new Map(read.map((t) => [t, '8 bits: the first or last layer reads it'])),
  };
}

/** Linear nodes with no linear node before them, or behind them. */
function withoutLinear({ graph, integer, candidates }: Flow, side: 'before' | 'behind'): Node[] {
  const reached = new Set<string>();
  const found: Node[] = [];
  for (const node of side === 'before' ? graph.nodes : [...graph.nodes].reverse()) {
    const [from, to] = side === 'before' ? [node.inputs, node.outputs] : [node.outputs, node.inputs];
    const linear = integer.has(node) && candidates.get(node)?.rule.kind === 'linear';
    const behind = from.some((name) => reached.has(name));
    if (linear && !behind) found.push(node);
    if (linear || behind) for (const name of to) reached.add(name);
  }
  return found;
}
