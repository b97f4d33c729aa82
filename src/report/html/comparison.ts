import type { DetailedComparison, ReportComparison } from '../comparison.js';
import { comparisonTable } from '../comparison-table.js';
import type { DetailedReport } from '../details.js';
import { byteText, countText } from '../units.js';
import { startPage } from './chart.js';
import { CHIP_COLOURS, chipsOf, paretoChart } from './charts/pareto.js';
import { html, type Markup } from './markup.js';
import { page } from './page.js';
import { baseName, legend, reportBody } from './report.js';
import { provenanceSection } from './sections.js';
import { table } from './table.js';

/** One page: the combinations side by side, then the whole report of each. The same input gives the same bytes. */
export async function comparisonHtml({ comparison, details }: DetailedComparison): Promise<string> {
  startPage();
  const { model } = comparison;
  const chips = chipsOf(comparison);
  const body = html`<header><h1>${baseName(model.name)}</h1><p>${comparison.rows.length} combinations on ${chips.length} chips · ${countText(model.parameters)} parameters (${byteText(model.floatParameterBytes)}), ${countText(model.macs)} MACs</p></header>
${side(comparison)}
${await pareto(comparison, chips)}
${await bodies(details)}`;
  return page(`${baseName(model.name)} · ${chips.join(', ')}`, body);
}

function side(comparison: ReportComparison): Markup {
  const { head, rows, numeric } = comparisonTable(comparison);
  const columns = head.map((name, i) => ({
    head: name,
    ...(numeric.includes(i) ? { numeric: true as const } : i < 2 && { whole: true as const }),
  }));
  return html`<h2>Side by side</h2><p>Speed-up is over the float model on the same chip. What a figure rests on stands beside it.</p><div class="panel">${table(columns, rows, undefined, true)}</div>`;
}

async function pareto(comparison: ReportComparison, chips: string[]): Promise<Markup | undefined> {
  const drawing = await paretoChart(comparison);
  const entries = chips.map((label, i) => ({ label, colour: CHIP_COLOURS[i % CHIP_COLOURS.length] }));
  return (
    drawing &&
    html`<h2>Speed against energy</h2><p>Both axes are logarithmic; lower left is better. The line joins what no other combination beats in both.</p><div class="panel">${legend(entries)}${drawing}</div>`
  );
}

async function bodies(details: readonly DetailedReport[]): Promise<Markup[]> {
  const sections: Markup[] = [];
  for (const [i, detailed] of details.entries()) {
    const { report } = detailed;
    const title = [report.target.name, report.scheme].filter(Boolean).join(' · ');
    sections.push(html`<details class="report"${i === 0 && html` open`}><summary>${title}</summary>
${await reportBody(detailed, `r${i}-`)}${provenanceSection(detailed)}</details>
`);
  }
  return sections;
}
