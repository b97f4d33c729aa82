import { estimatedBytes, groupJobs } from '../../batch/groups.js';
import type { BatchResult, JobForecast, JobResult, Regression } from '../../batch/types.js';
import type { Options } from '../options/index.js';
import type { Forms } from '../output.js';
import { markdownSection, paragraphs, renderSection, type Section } from '../render/section.js';
import type { Terminal } from '../render/terminal.js';
import { byteText, decibel, digits } from '../render/units.js';
import type { Batch } from './expand.js';
import { regressionCode, regressionText } from './junit.js';

/** A batch as JSON, Markdown or a terminal table. */
export function batchForms(
  result: BatchResult,
  worse: readonly Regression[],
  { verbose = false }: Options,
): Forms {
  const sections = [failures(result, worse), jobTable(result)];
  return {
    json: { ...result, regressions: worse },
    markdown: () => paragraphs([summaryLine(result), ...sections.map(markdownSection)]),
    table: (term) =>
      paragraphs([...sections.reverse().map((s) => renderSection(s, term, verbose)), heading(result, term)]),
  };
}

function summaryLine({ counts, seconds, jobs }: BatchResult): string {
  const { done, unchanged, failed } = counts;
  return `${jobs.length} jobs in ${digits(seconds)} s: ${done} done, ${unchanged} unchanged, ${failed} failed`;
}

const heading = (result: BatchResult, term: Terminal): string =>
  (result.counts.failed > 0 ? term.bad : term.good)(summaryLine(result));

function jobTable({ jobs }: BatchResult): Section {
  const rows = jobs.map((job) => [job.id, job.status, ...figures(job), digits(job.seconds)]);
  return {
    title: 'Jobs',
    head: ['job', 'outcome', 'SQNR', 'drop', 'agreement', 'size', 'latency', 'seconds'],
    rows,
    numeric: [2, 3, 4, 5, 6, 7],
  };
}

/** Worst SQNR, points lost, agreement, size and latency, as far as they are known. */
function figures({ report }: JobResult): string[] {
  if (!report) return ['', '', '', '', ''];
  const { metrics, size, quantized } = report;
  const sqnr = metrics?.outputs.map((o) => o.sqnrDb).filter((db) => db !== null);
  const worst = sqnr?.length ? decibel(Math.min(...sqnr)) : metrics ? 'equal' : '';
  const agreement = metrics?.outputs.find((o) => o.top1Agreement !== undefined)?.top1Agreement;
  const { value, unit, kind } = quantized.latencyMs;
  return [
    worst,
    metrics?.top1 ? metrics.top1.drop.toFixed(2) : '',
    agreement === undefined ? '' : `${(100 * agreement).toFixed(1)} %`,
    byteText(size.quantizedBytes),
    `${digits(value)} ${unit} ${kind}`,
  ];
}

function failures({ jobs }: BatchResult, worse: readonly Regression[]): Section {
  const rows = [
    ...jobs.flatMap(({ id, error }) =>
      error
        ? [[id, error.code ?? 'BUG', [error.message, error.code && error.hint].filter(Boolean).join('. ')]]
        : [],
    ),
    ...worse.map((r) => [r.job, regressionCode(r), regressionText(r)]),
  ];
  return { title: 'What failed', head: ['job', 'code', 'why'], rows };
}

/** What a batch would do, and what each job is expected to take. `forecasts` go with the jobs. */
export function dryRunForms(
  { jobs, cache }: Batch,
  forecasts: readonly JobForecast[],
  processes: number,
): Forms {
  const rows = jobs.map(({ id, options }, i): DryRunRow => {
    const { bytes: diskBytes, ...expected } = forecasts[i];
    return { id, output: options.output, ...expected, memoryBytes: estimatedBytes({ options }), diskBytes };
  });
  const seconds = rows.reduce((sum, row) => sum + (row.seconds ?? 0), 0) / processes;
  const diskBytes = rows.reduce((sum, row) => sum + (row.diskBytes ?? 0), 0);
  const groups = groupJobs(jobs).length;
  const section = dryRunTable(rows);
  const line = `${jobs.length} jobs, ${groups} groups that share calibration: about ${digits(seconds)} s in ${processes} processes, ${byteText(diskBytes)} of models (modelled times may err threefold); results are kept in ${cache}`;
  const totals = { groups, processes, seconds, diskBytes, cache };
  return {
    json: { schema: 'onnx-quantize/batch-dry-run@2', jobs: rows, ...totals },
    markdown: () => paragraphs([line, markdownSection(section)]),
    table: (term) => paragraphs([renderSection(section, term, true), line]),
  };
}

interface DryRunRow extends Omit<JobForecast, 'bytes'> {
  id: string;
  output: string;
  memoryBytes: number;
  diskBytes?: number;
}

const dryRunTable = (rows: readonly DryRunRow[]): Section => ({
  title: 'Jobs',
  head: ['job', 'time', 'memory', 'disk', 'output'],
  rows: rows.map(({ id, output, memoryBytes, diskBytes, ...expected }) => [
    id,
    timeText(expected),
    `≈ ${byteText(memoryBytes)}`,
    diskBytes === undefined ? '' : `${expected.basis === 'modelled' ? '≈ ' : ''}${byteText(diskBytes)}`,
    output,
  ]),
  numeric: [2, 3],
});

function timeText({ basis, seconds = 0, why }: JobForecast): string {
  if (basis === 'unchanged') return 'none: unchanged';
  if (basis === 'refused') return why!;
  return basis === 'measured' ? `${digits(seconds)} s, measured before` : `≈ ${digits(seconds)} s, modelled`;
}
