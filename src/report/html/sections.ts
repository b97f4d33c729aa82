import { fallbacks, operatorTable } from '../breakdown.js';
import { consequences } from '../consequences.js';
import type { DetailedReport } from '../details.js';
import type { Distribution } from '../distributions.js';
import { lossTable, stepText } from '../losses.js';
import type { Report } from '../types.js';
import { byteText, countText, decibel, digits, percent } from '../units.js';
import { histogramChart } from './charts/histogram.js';
import { html, type Markup } from './markup.js';
import { type Cell, table } from './table.js';

/** A cell that sorts by its number. */
const numeric = (value: number | undefined, text: (v: number) => string): Cell =>
  value === undefined ? { text: '' } : { text: text(value), value };

const share = (value: number | undefined): Cell => numeric(value, (v) => percent(v));
const bytes = (value: number | undefined): Cell => numeric(value, byteText);
const micro = (value: number | undefined): Cell => numeric(value, (v) => digits(v));

/** Time by operator type, as profilers print it. */
export function operatorSection({ layers }: Report): Markup | undefined {
  const { head, rows, numeric: right } = operatorTable(layers);
  if (rows.length === 0) return undefined;
  const columns = head.map((name, i) => ({
    head: name,
    ...(right.includes(i) && { numeric: true as const }),
  }));
  return html`<h2>Time by operator</h2><p>In microseconds. A static estimate: kernels run one behind another.</p><div class="panel">${table(columns, rows)}</div>`;
}

/** Every kernel with all that is known of it. */
export function kernelSection({ layers }: Report, id: string): Markup {
  const heads = [
    'Kernel',
    'Operator',
    'In',
    'µs',
    'FP32 µs',
    'µJ',
    'Bound by',
    'Array filled',
    'MACs',
    'Parameters',
    'Main memory',
    'Alive',
  ];
  const rows = layers.map((row): (Cell | string)[] => [
    {
      text: html`${row.node}${row.fused && html` <span class="muted">+ ${row.fused.join(', ')}</span>`}${row.runsOn && html` <span class="worse">on ${row.runsOn}: ${row.reason}</span>`}`,
    },
    row.opType,
    row.computes,
    micro(row.timeUs?.value),
    micro(row.floatTimeUs?.value),
    micro(row.energyUj?.value),
    row.bound ?? '',
    share(row.utilisation),
    numeric(row.macs, countText),
    bytes(row.quantizedBytes),
    bytes(row.bytes),
    bytes(row.liveBytes),
  ]);
  const columns = heads.map((head, i) => ({ head, ...(i > 2 && i !== 6 && { numeric: true as const }) }));
  return html`<h2>Kernels</h2><p>${layers.length} kernels in the order of the run; a head sorts.</p><div class="panel">${table(columns, rows, id)}</div>`;
}

/** Histograms shown of each kind: the weights with the most elements, the activations that lose the most to clipping. */
const SHOWN = 24;

export async function distributionSection(all: readonly Distribution[]): Promise<Markup | undefined> {
  if (all.length === 0) return undefined;
  const of = (kind: Distribution['kind']) => all.filter((d) => d.kind === kind);
  const activations = of('activation').toSorted((a, b) => (b.clipped ?? 0) - (a.clipped ?? 0));
  const parts = [
    await histograms(
      'Weights',
      of('weight'),
      'Up to 65,536 values of each, evenly spread; counts on a logarithmic scale.',
    ),
    await histograms(
      'Activations',
      activations,
      'From the calibration, those that lose most to clipping first; dashed lines are the ends of the grid, red is what lies beyond.',
    ),
  ];
  return html`<h2>Distributions</h2>${parts}`;
}

async function histograms(
  title: string,
  all: readonly Distribution[],
  lead: string,
): Promise<Markup | undefined> {
  if (all.length === 0) return undefined;
  const shown = all.slice(0, SHOWN);
  const figures: Markup[] = [];
  for (const d of shown)
    figures.push(html`<figure>${await histogramChart(d)}<figcaption class="mono">${d.tensor} <span>${d.format}${d.clipped !== undefined && `, ${percent(d.clipped, 3)} clipped`}</span></figcaption></figure>
`);
  const rest = all.length > shown.length ? ` ${shown.length} of ${all.length}.` : '';
  return html`<details><summary>${title}: ${all.length} tensors</summary><p class="lead">${lead}${rest}</p><div class="panel small">${figures}</div></details>`;
}

/** What was decided about every tensor and node, and why. */
export function decisionSection({ plan }: DetailedReport, id: string): Markup | undefined {
  if (!plan) return undefined;
  const rows = [
    ...plan.integer.map((n) => [n.node, n.opType, 'computes in integers', n.reason]),
    ...plan.float.map((n) => [n.node, n.opType, 'stays in float', n.reason]),
    ...plan.weights.map((w) => [
      w.tensor,
      'weight',
      `${w.format}, ${granularityText(w.granularity)}${w.weightOnly ? ', storage only' : ''}`,
      w.reason,
    ]),
    ...plan.biases.map((b) => [b.tensor, 'bias', 'int32', b.reason]),
    ...plan.activations.map((a) => [
      a.tensor,
      'activation',
      `${a.format}, scale ${digits(a.scale)}, zero point ${a.zeroPoint}`,
      a.reason,
    ]),
  ];
  const columns = ['Node or tensor', 'What', 'Decision', 'Reason'].map((head) => ({ head }));
  return html`<h2>Decisions</h2><p>${rows.length} decisions with their reasons, as the plan holds them.</p><div class="panel">${table(columns, rows, id, true)}</div>`;
}

const granularityText = (g: { kind: string; size?: number }): string =>
  g.size === undefined ? g.kind : `${g.kind} of ${g.size}`;

export function metricsSection({ metrics }: Report): Markup | undefined {
  if (!metrics || metrics.outputs.length === 0) return undefined;
  const heads = ['Output', 'Signal to noise', 'Cosine', 'Largest error', 'Same top-1'];
  const columns = heads.map((head, i) => ({ head, ...(i > 0 && { numeric: true as const }) }));
  const rows = metrics.outputs.map((o) => [
    o.output,
    decibel(o.sqnrDb),
    o.cosine.toFixed(5),
    digits(o.maxAbsError),
    o.top1Agreement === undefined ? '' : percent(o.top1Agreement),
  ]);
  return html`<h2>Against FP32</h2><p>Measured in onnxruntime on ${metrics.samples} ${metrics.evidence} samples: ${metrics.source}.</p><div class="panel">${table(columns, rows)}</div>`;
}

/** What was tried on the way, and whether it was kept. Seconds are left out: a page is the same bytes each time. */
export function improvementSection({ improvements = [] }: Report): Markup | undefined {
  if (improvements.length === 0) return undefined;
  const heads = ['Step', 'What it does', 'Before', 'After', 'Kept'];
  const columns = heads.map((head, i) => ({ head, ...((i === 2 || i === 3) && { numeric: true as const }) }));
  const rows = improvements.map((r) => [
    r.step,
    stepText(r),
    decibel(r.beforeDb),
    decibel(r.afterDb),
    r.kept ? 'yes' : 'no',
  ]);
  return html`<h2>Steps tried</h2><p>Worst output against FP32 on a few calibration samples, before and after each step.</p><div class="panel">${table(columns, rows)}</div>`;
}

/** What keeps the outputs from being better, where that was looked for. */
export function lossSection(report: Report): Markup | undefined {
  const found = lossTable(report);
  if (!found) return undefined;
  const columns = found.head.map((head, i) => ({ head, ...(i > 2 && { numeric: true as const }) }));
  return html`<h2>${found.title}</h2><div class="panel">${table(columns, found.rows)}</div>`;
}

export function consequenceSection(report: Report): Markup | undefined {
  const rows = consequences(report);
  if (rows.length === 0) return undefined;
  return html`<h2>What follows</h2><div class="panel"><dl>${rows.map(([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>`)}</dl></div>`;
}

/** Kernels that the chip is predicted not to run. */
export function fallbackSection({ layers, target }: Report): Markup | undefined {
  const rows = fallbacks(layers);
  if (rows.length === 0) return undefined;
  const columns = ['Kernel', 'Operator', 'Runs on', 'Reason'].map((head) => ({ head }));
  return html`<h2>Predicted fallbacks</h2><p>Kernels that leave ${target.name}; each way out and back costs time.</p><div class="panel">${table(
    columns,
    rows.map((row) => [row.node, row.opType, row.runsOn!, row.reason ?? '']),
  )}</div>`;
}

export function provenanceSection({ report, provenance }: DetailedReport): Markup {
  const rows: [string, string][] = [
    ['Made by', provenance.tool],
    [
      'Versions',
      Object.entries(provenance.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
    ['Platform', provenance.platform],
    ['Model', report.model.name],
    ['SHA-256', report.model.sha256],
    ['Target', `${report.target.name} (${report.target.id})`],
    [
      'Options',
      Object.entries(provenance.options)
        .map(([name, value]) => `--${name} ${value}`)
        .join(' '),
    ],
    ['Schema', report.schema],
  ];
  return html`<h2>Provenance</h2><div class="panel"><dl>${rows.map(([name, text]) => html`<dt>${name}</dt><dd class="mono">${text}</dd>`)}</dl></div>`;
}
