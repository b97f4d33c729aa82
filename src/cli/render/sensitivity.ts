import { decibel, digits, percent } from '../../report/units.js';
import type { Damage, FisherSummary, LayerSensitivity } from '../../sensitivity/types.js';
import type { Sensitivity } from '../engine.js';
import { markdownSection, paragraphs, renderSection, type Section } from './section.js';
import type { Terminal } from './terminal.js';

export const renderSensitivity = (found: Sensitivity, term: Terminal, verbose: boolean): string =>
  paragraphs([
    `${term.bold(found.model.name)}\n${sentences(found)
      .map((s) => term.dim(s))
      .join('\n')}`,
    `${term.bold('signal to noise through depth, in dB')}\n${depthChart(found, term.width)}`,
    ...sections(found).map((section) => renderSection(section, term, verbose)),
  ]);

export const sensitivityMarkdown = (found: Sensitivity): string =>
  paragraphs([
    `# Sensitivity of ${found.model.name}`,
    sentences(found)
      .map((s) => `- ${s}`)
      .join('\n'),
    ...sections(found).map(markdownSection),
  ]);

const sentences = ({
  scheme,
  target,
  samples,
  evidence,
  predictedDb,
  activationsOnly,
  fisher,
}: Sensitivity): string[] => [
  `${scheme} for ${target}, measured on ${samples} ${evidence === 'synthetic' ? 'made-up samples, which prove nothing about accuracy' : 'samples'}`,
  `all damage together says ${decibel(predictedDb)} at the outputs; activations alone ${damageText(activationsOnly)}`,
  ...(fisher ? [fisherText(fisher)] : []),
];

const fisherText = ({ forecasts, samples, rankCorrelation }: FisherSummary): string => {
  const order =
    rankCorrelation === undefined
      ? ''
      : `; rank correlation with what was measured ${rankCorrelation.toFixed(3)}`;
  return `forecast: ${FORECASTS[forecasts].of} by Fisher information, from the gradients of ${samples} samples${order}`;
};

/** What is forecast: its name, and how it is written. */
const FORECASTS = {
  kl: { of: 'KL', head: '~KL', text: digits },
  noise: {
    of: 'noise at the outputs',
    head: '~outputs',
    text: (noise: number) => bare(noise > 0 ? -10 * Math.log10(noise) : null),
  },
};

const damageText = ({ sqnrDb, kl, agreement, top1Drop }: Damage): string =>
  [
    decibel(sqnrDb),
    ...(kl === undefined ? [] : [`KL ${digits(kl)}`]),
    ...(agreement === undefined ? [] : [`${percent(agreement)} agree`]),
    ...(top1Drop === undefined ? [] : [`${top1Drop.toFixed(1)} points`]),
  ].join(', ');

const BRIEF = 12;

function sections(found: Sensitivity): Section[] {
  const activations = found.activations.filter((a) => a.global.noise > 0);
  const forecast = found.fisher && FORECASTS[found.fisher.forecasts];
  return [
    {
      title: `layers, the costliest in ${found.own} first: entropy of the codes in bits, signal to noise at the layer, up to there, and at the outputs in dB`,
      head: [
        'layer',
        'format',
        'kB',
        'entropy',
        'local',
        'so far',
        'outputs',
        'KL',
        'agree',
        ...(forecast ? [forecast.head] : []),
        'action',
      ],
      rows: ranked(found).flatMap((layer) => layerRows(layer, forecast?.text)),
      numeric: [2, 3, 4, 5, 6, 7, 8, ...(forecast ? [9] : [])],
      brief: BRIEF * found.candidates.length,
    },
    {
      title: 'activations, the costliest first: rounded alone, dB at the outputs',
      head: ['tensor', 'format', 'outputs', 'KL', 'agree'],
      rows: activations
        .sort((a, b) => b.global.noise - a.global.noise)
        .map(({ tensor, format, global }) => [tensor, format, ...globalCells(global)]),
      numeric: [2, 3, 4],
      brief: BRIEF,
    },
  ];
}

/** By what the scheme's own format costs at the outputs. */
export function ranked({ layers, own }: Sensitivity): LayerSensitivity[] {
  const cost = ({ candidates }: LayerSensitivity) =>
    candidates.find((c) => c.candidate === own)?.global.noise ?? 0;
  return layers.toSorted((a, b) => cost(b) - cost(a));
}

const layerRows = (
  { node, candidates, action }: LayerSensitivity,
  forecast?: (damage: number) => string,
): string[][] =>
  candidates.map((c, i) => [
    i === 0 ? node : '',
    c.candidate,
    (c.bytes / 1000).toFixed(1),
    c.entropyBits.toFixed(2),
    bare(c.localDb),
    c.accumulatedDb === undefined ? '' : bare(c.accumulatedDb),
    ...globalCells(c.global),
    ...(forecast ? [c.forecast === undefined ? '' : forecast(c.forecast)] : []),
    i === 0 ? action : '',
  ]);

const bare = (db: number | null): string => db?.toFixed(1) ?? 'equal';

const globalCells = ({ sqnrDb, kl, agreement, estimated }: Damage): string[] => [
  `${estimated ? '~' : ''}${bare(sqnrDb)}`,
  kl === undefined ? '' : digits(kl),
  agreement === undefined ? '' : percent(agreement),
];

const LEVELS = ' ▁▂▃▄▅▆▇█';
const ROWS = 6;

/** Each column the worst of the tensors that it stands for. */
function depthChart({ propagation }: Sensitivity, width: number): string {
  const known = propagation.filter((p) => p.sqnrDb !== null);
  if (known.length === 0) return '  no difference anywhere';
  const columns = Math.min(known.length, Math.max(10, width - 10));
  const worst = Array.from({ length: columns }, (_, c) => {
    const [from, to] = [c, c + 1].map((i) => Math.floor((i * known.length) / columns));
    return Math.max(0, Math.min(...known.slice(from, to).map((p) => p.sqnrDb!)));
  });
  const top = Math.max(1, ...worst);
  const eighths = worst.map((db) => Math.round((db / top) * ROWS * 8));
  const lines = Array.from({ length: ROWS }, (_, row) => {
    const bars = eighths.map((h) => LEVELS[Math.max(0, Math.min(8, h - 8 * (ROWS - 1 - row)))]).join('');
    const label = row === 0 ? top.toFixed(0) : row === ROWS - 1 ? '0' : '';
    return `${label.padStart(5)} ${bars}`.trimEnd();
  });
  return [...lines, `      ${'input'.padEnd(Math.max(5, columns - 6))}output`].join('\n');
}
