import type { Metrics } from '../../verify/types.js';
import { filled, paragraphs, renderSection, type Section } from './section.js';
import type { Terminal } from './terminal.js';
import { decibel, digits, percent } from './units.js';

/** What quantizing cost, on which samples. */
export function renderMetrics(metrics: Metrics, term: Terminal): string {
  const [first, ...rest] = sentences(metrics);
  return paragraphs([
    [metrics.evidence === 'evaluation' ? first : term.warn(first), ...rest].join('\n'),
    ...metricsSections(metrics).map((section) => renderSection(filled(section), term, true)),
  ]);
}

export const metricsMarkdown = (metrics: Metrics): string =>
  sentences(metrics)
    .map((s) => `- ${s}`)
    .join('\n');

const EVIDENCE: Record<Metrics['evidence'], string> = {
  evaluation: 'evaluation samples',
  calibration: 'calibration samples, which the ranges were fitted to',
  synthetic: 'made-up samples, which prove nothing about accuracy',
};

function sentences(metrics: Metrics): string[] {
  const accuracy = (['top1', 'top5'] as const).flatMap((key) => {
    const a = metrics[key];
    if (!a) return [];
    const [low, high] = a.dropInterval;
    const name = key === 'top1' ? 'top-1' : 'top-5';
    const change = a.drop < 0 ? `${(-a.drop).toFixed(2)} points gained` : `${a.drop.toFixed(2)} points lost`;
    const interval = `95 % interval${a.drop < 0 ? ' of the loss' : ''} ${low.toFixed(2)} to ${high.toFixed(2)}`;
    return [`${name} accuracy ${percent(a.float, 2)} → ${percent(a.quantized, 2)}: ${change} (${interval})`];
  });
  return [
    `compared on ${metrics.samples} ${EVIDENCE[metrics.evidence]} (${metrics.source})`,
    ...accuracy,
    ...tokenSentences(metrics.tokens),
    ...metrics.outputs.flatMap(oddities),
  ];
}

function tokenSentences(tokens: Metrics['tokens']): string[] {
  if (!tokens) return [];
  const { float, quantized, positions, agreement } = tokens;
  return [
    `next-token accuracy ${percent(float.accuracy, 2)} → ${percent(quantized.accuracy, 2)}, NLL ${float.nll.toFixed(4)} → ${quantized.nll.toFixed(4)} nats over ${positions} tokens; ${percent(agreement)} of them foreseen alike`,
  ];
}

/** What the table of figures would hide. */
function oddities({ output, nonFinite, shapeMismatches }: Metrics['outputs'][number]): string[] {
  return [
    ...(nonFinite && nonFinite.float + nonFinite.quantized > 0
      ? [
          `${output}: ${nonFinite.float} NaN or Inf in FP32, ${nonFinite.quantized} more in the quantized model`,
        ]
      : []),
    ...(shapeMismatches
      ? [`${output}: ${shapeMismatches} samples gave another shape and are in no figure`]
      : []),
  ];
}

export function metricsSections(metrics: Metrics): Section[] {
  const optional = (share: number | undefined) => (share === undefined ? '' : percent(share));
  return [
    {
      title: 'outputs',
      head: ['output', 'SQNR', 'cosine', 'max error', 'information kept', 'same top-1', 'in top-5', 'KL'],
      rows: metrics.outputs.map((o) => [
        o.output,
        decibel(o.sqnrDb),
        o.cosine.toFixed(5),
        digits(o.maxAbsError),
        informationText(o),
        optional(o.top1Agreement),
        optional(o.top5Agreement),
        o.kl === undefined ? '' : digits(o.kl),
      ]),
      numeric: [1, 2, 3, 4, 5, 6, 7],
    },
    {
      title: 'outputs that are not float',
      head: ['output', 'equal'],
      rows: (metrics.exactOutputs ?? []).map((o) => [o.output, percent(o.equal)]),
      numeric: [1],
    },
  ];
}

/** What the quantized value tells of the float one, at 64 levels. */
export const informationText = ({
  mutualBits,
  entropyBits,
}: {
  mutualBits?: number;
  entropyBits?: number;
}): string =>
  mutualBits === undefined || entropyBits === undefined
    ? ''
    : `${mutualBits.toFixed(2)} of ${entropyBits.toFixed(2)} bits`;
