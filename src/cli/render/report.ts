import type { LayerRow, Report } from '../../report/types.js';
import type { Metrics } from '../../verify/types.js';
import type { Terminal } from './terminal.js';
import { basisText, byteText, changeText, countText, decibel, digits, figureText, percent } from './units.js';

/** Rows of a long list that show without --verbose. */
const SHORT_LIST = 10;

export function renderReport(report: Report, term: Terminal, verbose: boolean): string {
  const quantized = report.scheme !== '';
  const title = `${report.model.name}${quantized ? ` → ${report.scheme}` : ''} on ${report.target.name}`;
  return [
    term.bold(title),
    facts(report, term),
    figures(report, term),
    report.metrics ? renderMetrics(report.metrics, term) : '',
    leftInFloat(report, term, verbose),
    verbose ? layers(report.layers, term) : '',
    caveats(report.caveats, term),
  ]
    .filter(Boolean)
    .join('\n\n');
}

function facts({ model, macs, coverage, calibration, method }: Report, term: Terminal): string {
  const lines = [
    `${model.nodes} nodes, ${countText(model.parameters)} parameters, ${countText(macs)} MACs, opset ${model.opset}`,
  ];
  if (coverage.parameters > 0)
    lines.push(`quantized: ${percent(coverage.parameters)} of parameters, ${percent(coverage.macs)} of MACs`);
  if (method && calibration.samples > 0)
    lines.push(`calibration: ${calibration.source} (${calibration.samples} samples), ${method}`);
  return lines.map((line) => term.dim(line)).join('\n');
}

function figures({ size, float, quantized }: Report, term: Terminal): string {
  const row = (
    name: string,
    a: typeof float.energyMj,
    b: typeof float.energyMj,
    less: string,
    more: string,
  ) =>
    a && b
      ? [[name, figureText(a), figureText(b), changeText(a.value, b.value, less, more), basisText(b)]]
      : [];
  const rows = [
    [
      'size',
      byteText(size.floatBytes),
      byteText(size.quantizedBytes),
      changeText(size.floatBytes, size.quantizedBytes, 'smaller', 'larger'),
      'measured',
    ],
    ...row('latency', float.latencyMs, quantized.latencyMs, 'faster', 'slower'),
    ...row('throughput', float.throughput, quantized.throughput, 'less', 'more'),
    ...row('energy', float.energyMj, quantized.energyMj, 'less', 'more'),
    ...row('power', float.watts, quantized.watts, 'less', 'more'),
  ];
  return term.table(['', 'FP32', 'quantized', 'change', 'basis'], rows, [1, 2]);
}

/** What quantizing cost, on which samples. */
export function renderMetrics(metrics: Metrics, term: Terminal): string {
  const said = `compared on ${metrics.samples} samples (${metrics.evidence}: ${metrics.source})`;
  const rows = metrics.outputs.map((o) => [
    o.output,
    decibel(o.sqnrDb),
    o.cosine.toFixed(5),
    digits(o.maxAbsError),
    o.top1Agreement === undefined ? '' : percent(o.top1Agreement),
    o.top5Agreement === undefined ? '' : percent(o.top5Agreement),
  ]);
  const table = term.table(
    ['output', 'SQNR', 'cosine', 'max error', 'same top-1', 'in top-5'],
    rows,
    [1, 2, 3, 4, 5],
  );
  const accuracy = (['top1', 'top5'] as const).flatMap((key) => {
    const a = metrics[key];
    if (!a) return [];
    const [low, high] = a.dropInterval;
    const drop = `${a.drop.toFixed(2)} points lost (95 %: ${low.toFixed(2)} to ${high.toFixed(2)})`;
    return [
      `  ${key === 'top1' ? 'top-1' : 'top-5'}: ${percent(a.float, 2)} → ${percent(a.quantized, 2)}, ${drop}`,
    ];
  });
  return [metrics.evidence === 'synthetic' ? term.warn(said) : said, table, ...accuracy].join('\n');
}

function leftInFloat({ leftInFloat: rows }: Report, term: Terminal, verbose: boolean): string {
  if (rows.length === 0) return '';
  const shown = verbose ? rows : rows.slice(0, SHORT_LIST);
  const rest = rows.length - shown.length;
  return [
    `left in float: ${rows.length} nodes`,
    term.table(
      ['node', 'operator', 'reason'],
      shown.map((r) => [r.node, r.opType, r.reason]),
    ),
    ...(rest > 0 ? [term.dim(`  … and ${rest} more; --verbose shows all`)] : []),
  ].join('\n');
}

const layers = (rows: LayerRow[], term: Terminal): string =>
  rows.length === 0
    ? ''
    : term.table(
        ['layer', 'operator', 'computes in', 'parameters', 'size', 'MACs', 'time', 'bound by'],
        rows.map((r) => [
          r.node,
          r.opType,
          r.computes,
          countText(r.parameters),
          `${byteText(r.floatBytes)} → ${byteText(r.quantizedBytes)}`,
          countText(r.macs),
          figureText(r.timeUs),
          r.bound ?? '',
        ]),
        [3, 4, 5, 6],
      );

export const caveats = (sentences: string[], term: Terminal): string =>
  sentences.map((sentence) => `${term.warn('!')} ${sentence}`).join('\n');
