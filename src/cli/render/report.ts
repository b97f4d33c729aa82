import {
  consequences,
  fallbacks,
  lossLine,
  lossTable,
  operatorTable,
  stepText,
  trainingFacts,
  trainingRows,
} from '../../report/index.js';
import type { Figure, Report, Training } from '../../report/types.js';
import { renderMetrics } from './metrics.js';
import { paragraphs, renderSection, type Section } from './section.js';
import type { Terminal } from './terminal.js';
import { basisText, byteText, changeText, countText, decibel, figureText, percent } from './units.js';

export const renderReport = (report: Report, term: Terminal, verbose: boolean): string =>
  paragraphs([
    heading(report, term),
    renderSection(figures(report), term, verbose),
    report.metrics && renderMetrics(report.metrics, term),
    renderSection(improvements(report), term, verbose),
    renderSection(losses(report), term, verbose),
    report.training && renderTraining(report.training, term, verbose),
    follows(report, term),
    renderSection(operators(report), term, verbose),
    renderSection(predictedFallbacks(report), term, verbose),
    renderSection(leftInFloat(report), term, verbose),
    verbose ? renderSection(layers(report), term, verbose) : '',
    report.caveats.map((sentence) => `${term.warn('!')} ${sentence}`).join('\n'),
  ]);

function heading({ model, macs, coverage, calibration, method }: Report, term: Terminal): string {
  const lines = [
    `${model.nodes} nodes, ${countText(model.parameters)} parameters, ${countText(macs)} MACs, opset ${model.opset}`,
  ];
  if (coverage.parameters > 0)
    lines.push(`quantized: ${percent(coverage.parameters)} of parameters, ${percent(coverage.macs)} of MACs`);
  if (method && calibration.samples > 0)
    lines.push(`calibrated on ${calibration.samples} samples (${calibration.source}) by ${method}`);
  return [term.bold(model.name), ...lines.map((line) => term.dim(line))].join('\n');
}

/** What training was, and the model before and after it. */
function renderTraining(training: Training, term: Terminal, verbose: boolean): string {
  const section = renderSection({ title: 'trained', ...trainingRows(training) }, term, verbose);
  const lines = [trainingFacts(training), lossLine(training)].filter((line) => line !== undefined);
  return [section, ...lines.map((line) => term.dim(line))].join('\n');
}

/** What each step did for the worst output, on a few calibration samples. */
const improvements = ({ improvements: tried = [] }: Report): Section => ({
  title: 'tried to lose less',
  head: ['step', 'what it does', 'SQNR', 'time', ''],
  rows: tried.map(({ step, description, changed, beforeDb, afterDb, kept, seconds }) => [
    step,
    stepText({ description, changed }),
    `${decibel(beforeDb)} → ${decibel(afterDb)}`,
    `${seconds.toFixed(1)} s`,
    kept ? 'kept' : 'not kept',
  ]),
});

const losses = (report: Report): Section => {
  const { title, head, rows } = lossTable(report) ?? { title: '', head: [], rows: [] };
  const lower = (text: string) => text[0].toLowerCase() + text.slice(1);
  return { title: title && lower(title), head: head.map(lower), rows, numeric: [3, 4] };
};

/** FP32 and quantized side by side; what a figure rests on stands beside it. */
function figures({ size, float, quantized, target, scheme }: Report): Section {
  const row = (name: string, a: Figure | undefined, b: Figure | undefined, less: string, more: string) =>
    a && b
      ? [[name, figureText(a), figureText(b), changeText(a.value, b.value, less, more), basisText(b)]]
      : [];
  return {
    title: [scheme, `on ${target.name}`].filter(Boolean).join(' '),
    head: ['', 'FP32', 'quantized', 'change', 'basis'],
    rows: [
      bytesRow('file', size.floatBytes, size.quantizedBytes, size.estimated),
      bytesRow('parameters', size.floatParameterBytes, size.quantizedParameterBytes),
      ...packedRow(size),
      ...row('latency', float.latencyMs, quantized.latencyMs, 'faster', 'slower'),
      ...row('throughput', float.throughput, quantized.throughput, 'lower', 'higher'),
      ...row('energy', float.energyMj, quantized.energyMj, 'less', 'more'),
      ...row('power', float.watts, quantized.watts, 'less', 'more'),
    ],
    numeric: [1, 2],
  };
}

/** The weights alone as a chip stores them; a file of zeros and padded types may be larger. */
const packedRow = ({ packedBytes, bitsPerWeight }: Report['size']): string[][] =>
  packedBytes && bitsPerWeight
    ? [['weights packed', '', byteText(packedBytes), `${bitsPerWeight.toFixed(2)} bits each`, 'exact']]
    : [];

const bytesRow = (name: string, before: number, after: number, estimated = false): string[] => [
  name,
  byteText(before),
  byteText(after),
  changeText(before, after, 'smaller', 'larger'),
  estimated ? 'worked out' : 'measured',
];

/** Sentences behind their names, the names in one column. */
function follows(report: Report, term: Terminal): string {
  const rows = consequences(report);
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, says]) => `  ${term.dim(name.padEnd(width))}${says}`).join('\n');
}

const operators = ({ layers: rows }: Report): Section => ({
  title: 'time by operator in µs, a static estimate',
  ...operatorTable(rows),
  brief: 8,
});

const predictedFallbacks = ({ layers: rows, target }: Report): Section => ({
  title: `leave ${target.name}: ${fallbacks(rows).length} kernels`,
  head: ['kernel', 'operator', 'runs on', 'reason'],
  rows: fallbacks(rows).map((row) => [row.node, row.opType, row.runsOn ?? '', row.reason ?? '']),
  brief: 10,
});

const leftInFloat = ({ leftInFloat: rows }: Report): Section => ({
  title: `left in float: ${rows.length} nodes`,
  head: ['node', 'operator', 'reason'],
  rows: rows.map((r) => [r.node, r.opType, r.reason]),
  brief: 10,
});

const layers = ({ layers: rows }: Report): Section => ({
  title: 'layers',
  head: ['layer', 'operator', 'computes in', 'parameters', 'FP32', 'quantized', 'MACs', 'time', 'bound by'],
  rows: rows.map((r) => [
    r.node,
    r.opType,
    r.computes,
    countText(r.parameters),
    byteText(r.floatBytes),
    byteText(r.quantizedBytes),
    countText(r.macs),
    figureText(r.timeUs),
    r.bound ?? '',
  ]),
  numeric: [3, 4, 5, 6, 7],
});
