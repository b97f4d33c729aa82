import type { Report } from '../types.js';
import { byteText, decibel, digits, figureText } from '../units.js';
import { startPage } from './chart.js';
import { overviewChart } from './charts/overview.js';
import { CHIP_COLOURS } from './charts/pareto.js';
import { html, type Markup } from './markup.js';
import { page } from './page.js';
import { legend } from './report.js';
import { type Cell, table } from './table.js';

/** A job of a batch, as far as an overview tells of it. */
export interface OverviewJob {
  id: string;
  target: string;
  scheme: string;
  outcome: string;
  /** Why it failed. */
  why?: string;
  seconds: number;
  report?: Report;
  /** Address of its own page. */
  href?: string;
}

/** Worst SQNR of a report's outputs in dB; undefined when nothing was compared, Infinity when nothing differs. */
export function worstSqnr({ metrics }: Report): number | undefined {
  const known = metrics?.outputs.map(({ sqnrDb }) => sqnrDb ?? Number.POSITIVE_INFINITY) ?? [];
  return known.length > 0 ? Math.min(...known) : undefined;
}

const COLUMNS = [
  { head: 'job' },
  { head: 'outcome', whole: true as const },
  ...['SQNR', 'points lost', 'size', 'smaller', 'latency', 'speed-up', 'seconds'].map((head) => ({
    head,
    numeric: true as const,
  })),
  { head: 'why' },
];

/** One page over all jobs of a batch: a table, and what nothing beats in speed and fidelity. */
export async function overviewHtml(title: string, jobs: readonly OverviewJob[]): Promise<string> {
  startPage();
  const chips = [...new Set(jobs.flatMap(({ report }) => report?.target.name ?? []))];
  const body = html`<header><h1>${title}</h1><p>${jobs.length} jobs, ${jobs.filter((job) => job.why).length} failed</p></header>
<h2>Jobs</h2><div class="panel">${table(COLUMNS, jobs.map(row), 'jobs', true)}</div>
${await pareto(jobs, chips)}`;
  return page(title, body);
}

function row({ id, outcome, why = '', seconds, report, href }: OverviewJob): (Cell | string)[] {
  const name: Cell = { text: href ? html`<a href="${href}">${id}</a>` : id };
  const took = { text: digits(seconds), value: seconds };
  if (!report) return [name, outcome, '', '', '', '', '', '', took, why];
  const { size, quantized, metrics } = report;
  const db = worstSqnr(report);
  const drop = metrics?.top1?.drop;
  const faster = speedUp(report);
  return [
    name,
    outcome,
    db === undefined ? '' : { text: decibel(Number.isFinite(db) ? db : null), value: db },
    drop === undefined ? '' : { text: drop.toFixed(2), value: drop },
    { text: byteText(size.quantizedBytes), value: size.quantizedBytes },
    { text: `${digits(size.ratio)}×`, value: size.ratio },
    { text: figureText(quantized.latencyMs), value: quantized.latencyMs.value },
    { text: `${digits(faster)}×`, value: faster },
    took,
    why,
  ];
}

/** How much faster than the float model on the same chip. */
export const speedUp = ({ float, quantized }: Report): number =>
  float.latencyMs.value / quantized.latencyMs.value;

async function pareto(jobs: readonly OverviewJob[], chips: string[]): Promise<Markup | undefined> {
  const drawing = await overviewChart(jobs, chips);
  const entries = chips.map((label, i) => ({ label, colour: CHIP_COLOURS[i % CHIP_COLOURS.length] }));
  return (
    drawing &&
    html`<h2>Speed against fidelity</h2><p>How much faster than the float model on the same chip, and how far the noise of the worst output lies below its signal; upper right is better. The line joins what no other job beats in both.</p><div class="panel">${legend(entries)}${drawing}</div>`
  );
}
