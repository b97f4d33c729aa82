import type { ValidatedRow, Validation, ValidationSummary } from '../../validation/types.js';
import { type Forms, markdownTable } from '../output.js';
import { digits } from './units.js';

const percent = (share: number | undefined): string =>
  share === undefined ? '' : `${(100 * share).toFixed(1)} %`;
const signed = (share: number): string => `${share < 0 ? '−' : '+'}${percent(Math.abs(share))}`;

const HEAD = ['chip', 'what', 'computes in', 'published', 'predicted', 'error', 'used', 'source'];
const row = (r: ValidatedRow): string[] => [
  r.target,
  r.what,
  r.precision,
  `${digits(r.published)} ${r.unit}`,
  `${digits(r.predicted)} ${r.unit}`,
  signed(r.error),
  r.used,
  r.source,
];

const SUMMARY = [
  'chip',
  'kind',
  'rows',
  'mean error',
  'worst',
  'held out',
  'mean of those',
  'mean if left out',
];
const summary = (s: ValidationSummary): string[] => [
  s.target,
  s.kind,
  String(s.rows),
  percent(s.meanError),
  percent(s.worstError),
  String(s.heldOut),
  percent(s.meanHeldOut),
  percent(s.meanLeftOut),
];

/** Predicted against published: every row, then means and worst by chip and kind. */
export const validationForms = (validation: Validation): Forms => ({
  json: validation,
  markdown: () =>
    [
      markdownTable(HEAD, validation.rows.map(row)),
      markdownTable(SUMMARY, validation.summary.map(summary)),
      ...notes(validation).map((note) => `- ${note}`),
    ].join('\n\n'),
  table: (term) =>
    [
      // Without the sources, which the other forms have: they would not leave room for the figures.
      term.table(
        HEAD.slice(0, -1),
        validation.rows.map((r) => row(r).slice(0, -1)),
      ),
      term.table(SUMMARY, validation.summary.map(summary)),
      ...notes(validation),
    ].join('\n'),
});

const notes = ({ fitted, unvalidated }: Validation): string[] => [
  ...Object.entries(fitted).map(
    ([id, paths]) => `${id}: ${paths.length === 0 ? 'nothing was fitted' : `fitted ${paths.join(', ')}`}`,
  ),
  ...unvalidated.map((id) => `${id}: nothing validates it`),
];
