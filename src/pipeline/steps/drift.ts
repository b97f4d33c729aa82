import { emitQdq } from '../../emit/index.js';
import { executable } from '../../plan/index.js';
import { channelMeans, quantizeNumbers } from '../../quantize/index.js';
import type { Draft, Means } from '../draft.js';
import { stopIfAborted } from '../stages.js';

/** Layers that are corrected for all that lies before them, each in a pass of its own; of more, as many at even distances. */
const TURNS = 64;
/** Samples that means are taken of in each pass. */
const SAMPLES = 16;

/**
 * Channel means for a bias correction in turn: rounded activations are taken from the quantized network itself, its
 * biases corrected up to there, so that what noise does to the mean behind a Relu or Clip is taken out as well (Nagel et
 * al. 2021, "A White Paper on Neural Network Quantization", section 4.4, with measured means).
 */
export async function meansInTurn({
  job,
  plan,
  source,
  types,
  rounded,
}: Pick<Draft, 'job' | 'plan' | 'source' | 'types' | 'rounded'>): Promise<Means> {
  const options = { threads: job.options.threads, limit: SAMPLES };
  const means = new Map(await channelMeans(job.prepared, plan, types, source, options));
  const turns = evenly(inOrder(plan.biases, job.prepared.graph.nodes), TURNS);
  const whole = executable(plan);
  for (const [turn, bias] of turns.entries()) {
    stopIfAborted(job.options.signal);
    const model = emitQdq(job.prepared, whole, quantizeNumbers(job.prepared, whole, means, rounded).numbers);
    const seen = await channelMeans(model, { ...plan, biases: [bias] }, types, source, options);
    for (const [tensor, { rounded: mean }] of seen) {
      const { float } = means.get(tensor)!;
      means.set(tensor, { float, rounded: mean });
    }
    job.options.onProgress?.({ stage: 'bias-in-turn', done: turn + 1, total: turns.length });
  }
  return means;
}

/** At most `count` of the items, the last among them. */
const evenly = <T>(items: readonly T[], count: number): T[] => {
  const step = Math.max(1, items.length / count);
  const turns = Math.ceil(items.length / step);
  return Array.from({ length: turns }, (_, i) => items[Math.ceil((i + 1) * step) - 1] ?? items.at(-1)!);
};

/** Biases in the order in which the graph computes their layers. */
function inOrder(biases: Draft['plan']['biases'], nodes: readonly { name?: string }[]) {
  const at = new Map(nodes.map((n, i) => [n.name ?? '', i]));
  return [...biases].sort((a, b) => at.get(a.node)! - at.get(b.node)!);
}
