import { comparisonTable, type ReportComparison } from '../../report/index.js';
import { paragraphs } from './section.js';
import type { Terminal } from './terminal.js';
import { byteText, countText } from './units.js';

/** Columns that whole names of chips and grounds need. */
const ROOMY = 130;

/** One model on several chips: a row a combination, then what must be minded. */
export function renderSideBySide(comparison: ReportComparison, term: Terminal): string {
  const { model, reports } = comparison;
  const { head, rows, numeric } = comparisonTable(comparison, term.width < ROOMY);
  const caveats = [...new Set(reports.flatMap((r) => r.caveats))];
  const about = `${countText(model.parameters)} parameters (${byteText(model.floatParameterBytes)}), ${countText(model.macs)} MACs; speed-up over the float model on the same chip`;
  return paragraphs([
    `${term.bold(model.name)}\n${term.dim(about)}`,
    term.table(head, rows, numeric),
    caveats.map((sentence) => `${term.warn('!')} ${sentence}`).join('\n'),
  ]);
}
