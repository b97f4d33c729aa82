import type { Metrics } from '../verify/types.js';
import { fallbacks, operatorTable } from './breakdown.js';
import { consequences } from './consequences.js';
import { lossTable, stepText } from './losses.js';
import { frontTable, sensitivityTable } from './sensitivity/tables.js';
import { trainingFacts, trainingRows } from './training.js';
import type { Figure, Improvement, LayerRow, Report, Training } from './types.js';

/** Rows of layers and of float nodes shown; the JSON has all. */
const SHOWN = 20;

/** The report for a CI summary or a pull request. */
export function reportMarkdown(report: Report): string {
  const { model, target, scheme } = report;
  return [
    `## ${cell(model.name)}${scheme ? ` — ${cell(scheme)}` : ''} on ${cell(target.name)}`,
    summary(report),
    report.metrics ? accuracy(report.metrics) : '',
    improvements(report.improvements),
    measuredParts(report),
    report.training ? trainingMarkdown(report.training) : '',
    follows(report),
    operators(report.layers),
    predictedFallbacks(report),
    layers(report.layers),
    leftInFloat(report),
    report.caveats.length > 0 ? `### Mind\n\n${report.caveats.map((s) => `- ${cell(s)}`).join('\n')}` : '',
    `<sub>model sha256 ${model.sha256.slice(0, 16)} · ${report.schema}</sub>`,
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

function summary({ size, float, quantized, coverage, macs, model }: Report): string {
  const sizes = [megabytes(size.floatBytes), megabytes(size.quantizedBytes)];
  const rows = [['Size', ...sizes, change(size.floatBytes, size.quantizedBytes, 'smaller', 'larger')]];
  const add = (name: string, a: Figure | undefined, b: Figure | undefined, less: string, more: string) => {
    if (a && b) rows.push([name, text(a), text(b), change(a.value, b.value, less, more)]);
  };
  add('Latency', float.latencyMs, quantized.latencyMs, 'faster', 'slower');
  add('Throughput', float.throughput, quantized.throughput, 'less', 'more');
  add('Energy', float.energyMj, quantized.energyMj, 'less', 'more');
  add('Power', float.watts, quantized.watts, 'less', 'more');
  const counts =
    `${grouped(model.parameters)} parameters (${percent(coverage.parameters)} quantized), ` +
    `${grouped(macs)} MACs (${percent(coverage.macs)} in integers).`;
  return `${table(['', 'FP32 model', 'Quantized', 'Change'], rows)}\n\n${counts}`;
}

function improvements(tried: readonly Improvement[] = []): string {
  if (tried.length === 0) return '';
  const db = (value: number | null) => (value === null ? 'equal' : `${value.toFixed(1)} dB`);
  const rows = tried.map((t) => [
    t.step,
    stepText(t),
    `${db(t.beforeDb)} → ${db(t.afterDb)}`,
    t.kept ? 'kept' : 'not kept',
  ]);
  return `### Tried to lose less\n\n${table(['Step', 'What it does', 'SQNR', ''], rows)}`;
}

/** What other budgets buy, and what layers cost, where that was measured. */
const measuredParts = (report: Report): string =>
  [lossTable(report), frontTable(report), sensitivityTable(report, SHOWN)]
    .flatMap((part) => (part ? section(part.title, table(part.head, part.rows)) : []))
    .join('\n\n');

function trainingMarkdown(training: Training): string {
  const { head, rows } = trainingRows(training);
  return `### Trained\n\n${trainingFacts(training)}\n\n${table(head, rows)}`;
}

/** 4 → 1: "4.00× smaller"; 1 → 1.2: "1.20× larger". */
function change(before: number, after: number, less: string, more: string): string {
  if (!(before > 0 && after > 0)) return '';
  return before >= after
    ? `${(before / after).toFixed(2)}× ${less}`
    : `${(after / before).toFixed(2)}× ${more}`;
}

function accuracy(metrics: Metrics): string {
  const outputs = metrics.outputs.map((o) => [
    o.output,
    o.sqnrDb === null ? 'equal' : `${o.sqnrDb.toFixed(1)} dB`,
    o.cosine.toFixed(5),
    o.maxAbsError.toPrecision(3),
    o.top1Agreement === undefined ? '' : percent(o.top1Agreement),
  ]);
  const parts = [`### Accuracy on ${metrics.samples} ${metrics.evidence} samples (${cell(metrics.source)})`];
  const rows = [labelled('Top-1', metrics.top1), labelled('Top-5', metrics.top5)].filter(
    (row) => row.length > 0,
  );
  if (rows.length > 0) parts.push(table(['', 'FP32', 'Quantized', 'Drop, points (95 % interval)'], rows));
  if (metrics.tokens) parts.push(tokens(metrics.tokens));
  if (outputs.length > 0) parts.push(table(['Output', 'SQNR', 'Cosine', 'Max error', 'Same top-1'], outputs));
  const exact = (metrics.exactOutputs ?? []).map((o) => [o.output, percent(o.equal)]);
  if (exact.length > 0) parts.push(table(['Output', 'Equal'], exact));
  return parts.join('\n\n');
}

function tokens({ float, quantized, positions, agreement }: NonNullable<Metrics['tokens']>): string {
  const head = [`Next token (${positions})`, 'FP32', 'Quantized'];
  return table(head, [
    ['accuracy', percent(float.accuracy), percent(quantized.accuracy)],
    ['NLL, nats', float.nll.toFixed(4), quantized.nll.toFixed(4)],
    ['foreseen alike', '', percent(agreement)],
  ]);
}

function labelled(name: string, a: Metrics['top1']): string[] {
  if (!a) return [];
  const [low, high] = a.dropInterval;
  return [
    name,
    percent(a.float),
    percent(a.quantized),
    `${a.drop.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`,
  ];
}

function layers(rows: readonly LayerRow[]): string {
  const heavy = rows
    .filter((row) => row.parameters + row.macs > 0)
    .sort((a, b) => (b.timeUs?.value ?? b.macs) - (a.timeUs?.value ?? a.macs));
  if (heavy.length === 0) return '';
  const body = heavy
    .slice(0, SHOWN)
    .map((row) => [
      row.node,
      row.opType,
      row.computes,
      grouped(row.macs),
      megabytes(row.floatBytes),
      megabytes(row.quantizedBytes),
      row.timeUs ? text(row.timeUs) : '',
      row.bound ?? '',
    ]);
  const head = ['Layer', 'Operator', 'Computes in', 'MACs', 'FP32', 'Quantized', 'Time', 'Bound by'];
  return section(`Heaviest layers${shown(heavy.length)}`, table(head, body));
}

/** What follows from the figures. */
function follows(report: Report): string {
  const rows = consequences(report);
  return rows.length === 0 ? '' : rows.map(([name, says]) => `- **${name}**: ${cell(says)}`).join('\n');
}

function operators(rows: readonly LayerRow[]): string {
  const { head, rows: body } = operatorTable(rows);
  return body.length === 0
    ? ''
    : section('Time by operator in microseconds, a static estimate', table(head, body));
}

function predictedFallbacks({ layers: rows, target }: Report): string {
  const away = fallbacks(rows);
  if (away.length === 0) return '';
  const body = away.slice(0, SHOWN).map((row) => [row.node, row.opType, row.runsOn ?? '', row.reason ?? '']);
  return section(
    `Leave ${cell(target.name)}${shown(away.length)}`,
    table(['Kernel', 'Operator', 'Runs on', 'Reason'], body),
  );
}

function leftInFloat({ leftInFloat: rows }: Report): string {
  if (rows.length === 0) return '';
  const body = rows.slice(0, SHOWN).map((row) => [row.node, row.opType, row.reason]);
  return section(`Left in float${shown(rows.length)}`, table(['Node', 'Operator', 'Reason'], body));
}

const shown = (count: number): string => (count > SHOWN ? ` (${SHOWN} of ${count})` : ` (${count})`);
const section = (title: string, body: string): string =>
  `<details><summary>${title}</summary>\n\n${body}\n\n</details>`;

/** A text that cannot break out of a table cell or turn into markup: names come from the user's model. */
export const cell = (value: string): string =>
  value
    .replace(/[\r\n]+/g, ' ')
    .replace(/[\\`*_[\]|]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');

export function table(head: readonly string[], rows: readonly string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

const grouped = (count: number): string =>
  Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
/** Rounded down, so that only all of it is "100.0 %"; the small term undoes the rounding of 1000 · share itself. */
const percent = (share: number): string => `${(Math.floor(1000 * share + 1e-9) / 10).toFixed(1)} %`;
const megabytes = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;

/** "1.52 ms (modelled ±30 %)": a figure never stands without what it is. */
function text(figure: Figure): string {
  const band = figure.band === undefined ? '' : ` ±${Math.round(100 * figure.band)} %`;
  return `${Number(figure.value.toPrecision(3))} ${figure.unit} (${figure.kind}${band})`;
}
