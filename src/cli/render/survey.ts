import type { FormatSurvey, RoundingSurvey } from '../../report/survey/types.js';
import { countText, decibel, percent } from '../../report/units.js';
import type { Survey } from '../engine.js';
import { markdownSection, paragraphs, renderSection, type Section } from './section.js';
import type { Terminal } from './terminal.js';

export const renderSurvey = (survey: Survey, term: Terminal, verbose: boolean): string =>
  paragraphs([
    `${term.bold(survey.file)}\n${term.dim(looked(survey))}`,
    `${term.bold('weights, relative to the largest of their output channel')}\n${histogram(survey.distribution)}`,
    ...sections(survey, verbose).map((section) => renderSection(section, term, true)),
  ]);

export const surveyMarkdown = (survey: Survey): string =>
  paragraphs([`# ${survey.file}`, looked(survey), ...sections(survey, true).map(markdownSection)]);

const looked = ({ weights, values, looked }: Survey): string =>
  `${weights} weights, ${countText(values)} values${looked < values ? `, of which ${countText(looked)} were looked at` : ''}`;

const sections = ({ formats = [], rounding = [] }: Survey, verbose: boolean): Section[] => [
  formatSection(formats),
  ...(verbose ? [layerSection(formats)] : []),
  roundingSection(rounding),
];

function formatSection(formats: readonly FormatSurvey[]): Section {
  const sorted = [...formats].sort((a, b) => a.bits - b.bits || (b.sqnrDb ?? 0) - (a.sqnrDb ?? 0));
  const best = Math.max(1, ...formats.map((f) => f.sqnrDb ?? 0));
  return {
    title: `what each format would give: ${formats.length}, by bits a value with scales counted`,
    head: ['format', 'bits', 'SQNR', '', 'entropy', 'used', 'KL', 'clipped', 'at zero'],
    rows: sorted.map((f) => [
      f.id,
      f.bits.toFixed(2),
      decibel(f.sqnrDb),
      bar((f.sqnrDb ?? best) / best),
      `${f.entropy.toFixed(2)} bits`,
      percent(f.utilisation, 0),
      f.divergence.toFixed(3),
      percent(f.clipped, 2),
      percent(f.zeros),
    ]),
    numeric: [1, 2, 4, 5, 6, 7, 8],
  };
}

/** Formats whose SQNR is shown for each weight; JSON has all of them. */
const COLUMNS = [
  'int8-perchannel',
  'int8-perlayer',
  'int4-block32',
  'fp8-perchannel',
  'lut4-perlayer',
  'nvfp4',
];

function layerSection(formats: readonly FormatSurvey[]): Section {
  const shown = COLUMNS.flatMap((id) => formats.find((f) => f.id === id) ?? []);
  return {
    title: 'SQNR in dB of each weight',
    head: ['weight', ...shown.map((f) => f.id)],
    rows: (shown[0]?.weights ?? []).map(({ tensor }, i) => [
      tensor,
      ...shown.map((f) => f.weights[i].sqnrDb?.toFixed(1) ?? 'equal'),
    ]),
    numeric: shown.map((_, i) => i + 1),
  };
}

const roundingSection = (rounding: readonly RoundingSurvey[]): Section => ({
  title: 'how far rounding shifts the weights, in scales; a mean of a few standard errors is chance',
  head: ['format', 'rounding', 'mean', 'standard error', 'root mean square'],
  rows: rounding.flatMap(({ id, modes }) =>
    modes.map((m) => [id, m.mode, ...[m.bias, m.standardError, m.rms].map((x) => x.toFixed(4))]),
  ),
  numeric: [2, 3, 4],
});

const EIGHTHS = ' ▏▎▍▌▋▊▉█';
const BAR = 12;

/** A share (0…1) as a bar of blocks, to an eighth of a column. */
function bar(share: number): string {
  const eighths = Math.round(Math.max(0, Math.min(1, share)) * BAR * 8);
  return '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7].trim();
}

const LEVELS = ' ▁▂▃▄▅▆▇█';
const ROWS = 4;

/** Bins as columns of blocks over an axis from −1 to 1. The root of the share, so that tails show. */
function histogram(bins: readonly number[]): string {
  const highest = Math.sqrt(Math.max(...bins, Number.MIN_VALUE));
  const eighths = bins.map((share) => Math.round((Math.sqrt(share) / highest) * ROWS * 8));
  const rows = Array.from({ length: ROWS }, (_, row) =>
    eighths.map((h) => LEVELS[Math.max(0, Math.min(8, h - 8 * (ROWS - 1 - row)))]).join(''),
  );
  const half = bins.length >> 1;
  const axis = `−1${'0'.padStart(half - 1)}${'1'.padStart(bins.length - half - 1)}`;
  return [...rows, axis].map((line) => `  ${line.trimEnd()}`).join('\n');
}
