import type { ReportComparison } from './comparison.js';
import { comparisonTable } from './comparison-table.js';
import { cell, table } from './markdown.js';
import { byteText, countText } from './units.js';

/** One model on several chips, for a CI summary or a pull request. */
export function comparisonMarkdown(comparison: ReportComparison): string {
  const { model, reports } = comparison;
  const { head, rows } = comparisonTable(comparison);
  const caveats = [...new Set(reports.flatMap((r) => r.caveats))];
  return [
    `## ${cell(model.name)} on ${new Set(comparison.rows.map((r) => r.target.id)).size} chips`,
    `${countText(model.parameters)} parameters (${byteText(model.floatParameterBytes)}), ${countText(model.macs)} MACs. Speed-up is over the float model on the same chip.`,
    table(head.map(capital), rows),
    caveats.length > 0 ? `### Mind\n\n${caveats.map((s) => `- ${cell(s)}`).join('\n')}` : '',
    `<sub>model sha256 ${model.sha256.slice(0, 16)} · ${comparison.schema}</sub>`,
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
