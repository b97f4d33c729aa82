import type { DetailedReport } from '../details.js';
import { frontSpec } from '../sensitivity/front.js';
import { frontTable, sensitivityTable } from '../sensitivity/tables.js';
import { trainingFacts, trainingRows } from '../training.js';
import type { Report } from '../types.js';
import { countText, percent } from '../units.js';
import { cards } from './cards.js';
import { chart, startPage } from './chart.js';
import { errorChart } from './charts/errors.js';
import { ENERGY_PARTS, energyChart } from './charts/parts.js';
import { rooflineChart, rooflinePoints } from './charts/roofline.js';
import { BOUNDS } from './charts/scales.js';
import { scheduleChart } from './charts/schedule.js';
import { trainingChart } from './charts/training.js';
import { html, type Markup } from './markup.js';
import { page } from './page.js';
import {
  consequenceSection,
  decisionSection,
  distributionSection,
  fallbackSection,
  improvementSection,
  kernelSection,
  lossSection,
  metricsSection,
  operatorSection,
  provenanceSection,
} from './sections.js';
import { table } from './table.js';

/** One file that needs nothing else: the report as a page for a design review. The same report gives the same bytes. */
export async function reportHtml(detailed: DetailedReport): Promise<string> {
  startPage();
  const { report } = detailed;
  const title = [baseName(report.model.name), report.scheme, report.target.name].filter(Boolean).join(' · ');
  return page(title, html`${heading(report)}${await reportBody(detailed, '')}${provenanceSection(detailed)}`);
}

/** The file without its folder: the whole path stands under provenance. */
export const baseName = (path: string): string => path.split(/[\\/]/).at(-1)!;

export function heading({ model, macs, coverage, scheme, target }: Report): Markup {
  const done =
    coverage.parameters > 0 &&
    `, ${percent(coverage.parameters)} of parameters and ${percent(coverage.macs)} of MACs quantized`;
  return html`<header><h1>${baseName(model.name)}</h1><p>${scheme && `${scheme} on `}${target.name} · ${countText(model.parameters)} parameters, ${countText(macs)} MACs, ${model.nodes} nodes, opset ${model.opset}${done}</p></header>
`;
}

/** All of a report but its heading and provenance. `prefix` keeps the ids of several reports on one page apart. */
export async function reportBody(detailed: DetailedReport, prefix: string): Promise<Markup> {
  const { report } = detailed;
  return html`${cards(report)}
${caveats(report)}
${metricsSection(report)}
${await errors(detailed)}
${improvementSection(report)}
${lossSection(report)}
${await measuredSection(report)}
${await training(report)}
${consequenceSection(report)}
${await roofline(report)}
${await schedule(report)}
${await energy(report)}
${operatorSection(report)}
${fallbackSection(report)}
${await distributionSection(detailed.distributions)}
${kernelSection(report, `${prefix}kernels`)}
${decisionSection(detailed, `${prefix}decisions`)}
`;
}

async function training({ training: done }: Report): Promise<Markup | undefined> {
  if (!done) return undefined;
  const { head, rows } = trainingRows(done);
  const columns = head.map((name, i) => ({ head: name, ...(i > 0 && { numeric: true as const }) }));
  return html`<h2>Trained</h2><p>${trainingFacts(done)}.</p><div class="panel">${await trainingChart(done)}${table(columns, rows)}</div>`;
}

const caveats = ({ caveats: sentences }: Report): Markup | undefined =>
  sentences.length === 0
    ? undefined
    : html`<div class="caveats"><ul>${sentences.map((s) => html`<li>${s}</li>`)}</ul></div>`;

/** Names of colours. */
export const legend = (entries: readonly { label: string; colour: string }[]): Markup =>
  html`<div class="legend">${entries.map((e) => html`<span style="--c:${e.colour}">${e.label}</span>`)}</div>`;

const boundLegend = (more: { label: string; colour: string }[] = []): Markup =>
  legend([...BOUNDS.map(({ id, label }) => ({ label, colour: `var(--${id})` })), ...more]);

/** Layers shown of those that cost most. */
const COSTLIEST = 30;

/** What budgets buy, drawn and in figures, and what layers cost, where that was measured. */
async function measuredSection(report: Report): Promise<Markup | undefined> {
  const tables = [frontTable(report), sensitivityTable(report, COSTLIEST)].filter((t) => t !== undefined);
  const { front } = report;
  const drawing =
    front && (await chart(`What a budget of ${front.of} buys`, (width) => frontSpec(front, width)));
  if (tables.length === 0) return undefined;
  const parts = tables.map(
    ({ title, head, rows }) =>
      html`<h3>${title}</h3><div class="panel">${table(
        head.map((name) => ({ head: name })),
        rows,
      )}</div>`,
  );
  return html`<h2>Formats of the layers</h2><p>Measured on calibration samples: signal to noise at the outputs.</p>${drawing && html`<div class="panel">${drawing}</div>`}${parts}`;
}

async function roofline(report: Report): Promise<Markup | undefined> {
  const drawing = await rooflineChart(report);
  const rest = report.layers.length - rooflinePoints(report.layers).length;
  return (
    drawing &&
    html`<h2>Roofline</h2><p>Every kernel that computes, by operations for each byte of main memory; the area is its time; memory that binds may be the chip’s own. Solid roofs are what kernels reach, dashed ones the data sheet.${rest > 0 && ` Not shown: ${rest} that only ${rest === 1 ? 'moves' : 'move'} data.`}</p><div class="panel">${boundLegend()}${drawing}</div>`
  );
}

async function schedule(report: Report): Promise<Markup | undefined> {
  const drawing = await scheduleChart(report);
  const before = report.layers.some((row) => row.floatTimeUs)
    ? [{ label: 'the float model', colour: 'var(--ghost)' }]
    : [];
  return (
    drawing &&
    html`<h2>The run, kernel by kernel</h2><p>Modelled, in the order in which kernels run.</p><div class="panel">${boundLegend(before)}${drawing}</div>`
  );
}

async function energy(report: Report): Promise<Markup | undefined> {
  const drawing = await energyChart(report);
  return (
    drawing && html`<h2>Where the energy goes</h2><div class="panel">${legend(ENERGY_PARTS)}${drawing}</div>`
  );
}

async function errors({ layerErrors = [] }: DetailedReport): Promise<Markup | undefined> {
  const drawing = await errorChart(layerErrors);
  return (
    drawing &&
    html`<h2>Where the error arises</h2><p>Signal to noise of each tensor that both models compute, against FP32, in the order of the graph: the error accumulated from the input to there, measured on a few samples.</p><div class="panel">${drawing}</div>`
  );
}
