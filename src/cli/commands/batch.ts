import { mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { shares } from '../../batch/groups.js';
import type { BatchEvent, BatchResult, Engine, EngineOptions } from '../../batch/types.js';
import { gateError, invalidError, QuantizeError, unpackError, usageError } from '../../errors.js';
import { type Batch, readBatch } from '../batch/expand.js';
import { batchForms, dryRunForms } from '../batch/forms.js';
import { junitXml } from '../batch/junit.js';
import { writeOverview } from '../batch/overview.js';
import { budgetOf, queueAddress } from '../batch/resources.js';
import { batchSarif, type Warning } from '../batch/sarif.js';
import type { Action } from '../command-table/spec.js';
import { requireFolder } from '../files/reports.js';
import { writeTextFile } from '../files/streams.js';
import type { Options } from '../options/index.js';
import { jsonText, printResult } from '../output.js';
import { createProgress } from '../progress.js';
import { byteText } from '../render/units.js';
import type { Shell } from '../shell.js';
import { versionOf } from '../version.js';

export const run: Action = async ([file], options, shell) => {
  const batch = readBatch(file!);
  if (options.maxRegression && !options.baseline)
    throw usageError('NO_BASELINE', '--max-regression needs --baseline to compare with');
  const baseline = options.baseline ? readBaseline(options.baseline) : undefined;
  if (options.dryRun) return dryRun(batch, options, shell);
  for (const output of [options.junit, options.sarif, options.html]) if (output) requireFolder(output);
  const warnings: Warning[] = [];
  const result = await perform(batch, options, shell, (event) => {
    if (event.event === 'warning') warnings.push(event);
  });
  const { regressions } = await import('../../batch/index.js');
  const worse = baseline ? regressions(baseline, result, options.maxRegression ?? {}) : [];
  if (options.junit) writeTextFile(options.junit, junitXml(result, worse));
  if (options.sarif) writeTextFile(options.sarif, jsonText(batchSarif(result, worse, warnings)));
  if (options.html) await writeOverview(options.html, basename(file!), result);
  if (!options.events) await printResult(batchForms(result, worse, options), options, shell);
  failIfAny(result, worse.length);
};

async function dryRun(batch: Batch, options: Options, shell: Shell): Promise<void> {
  const { forecastJobs } = await import('../../batch/forecast.js');
  const { jobs, cache, budget } = batch;
  const { processes, threads } = shares(budgetOf(options, budget), jobs.length);
  const progress = createProgress(shell, options);
  const onProgress = (done: number, total: number) => progress.update({ stage: 'forecast', done, total });
  const forecasts = await forecastJobs(jobs, { cache, version: versionOf(), threads, onProgress }).finally(
    progress.end,
  );
  await printResult(dryRunForms(batch, forecasts, processes), options, shell);
}

async function perform(
  batch: Batch,
  options: Options,
  shell: Shell,
  hear: (event: BatchEvent) => void,
): Promise<BatchResult> {
  const engine = await engineCalled(options.engine!);
  for (const { options: job } of batch.jobs) mkdirSync(dirname(job.output), { recursive: true });
  const view = options.events ? eventLines(shell) : liveView(options, shell);
  const settings: EngineOptions = {
    cache: batch.cache,
    budget: budgetOf(options, batch.budget),
    queue: engine.id === 'local' ? undefined : { ...queueAddress(options, shell), shards: options.shards },
    version: versionOf(),
    onEvent(event) {
      hear(event);
      view.take(event);
    },
    signal: shell.signal,
  };
  try {
    return await engine.run(batch.jobs, settings);
  } finally {
    view.end();
  }
}

/** @throws QuantizeError UNKNOWN_ENGINE (usage) */
async function engineCalled(id: string): Promise<Engine> {
  const { ENGINES } = await import('../../batch/index.js');
  const engine = ENGINES.find((row) => row.id === id);
  if (engine) return engine;
  throw usageError('UNKNOWN_ENGINE', `unknown engine "${id}"`, {
    hint: `known: ${ENGINES.map((row) => row.id).join(', ')}`,
  });
}

interface View {
  take(event: BatchEvent): void;
  end(): void;
}

/** JSON lines for machines. */
const eventLines = (shell: Shell): View => ({
  take: (event) => void shell.stdout.write(`${JSON.stringify(event)}\n`),
  end: () => {},
});

/** A bar over all jobs with what runs now, and a line for each that ends. */
function liveView(options: Options, shell: Shell): View {
  const progress = createProgress(shell, options);
  const running = new Map<string, string>();
  let [done, total, memory] = [0, 0, 0];
  const draw = () => {
    const now = [...running].map(([job, stage]) => `${job.split(' ')[0].split('/').at(-1)} ${stage}`);
    const parts = [...now, ...(memory > 0 ? [byteText(memory)] : [])];
    progress.update({ stage: 'jobs', done, total, message: parts.join(', ') || undefined });
  };
  const take = (event: BatchEvent): void => {
    if (event.event === 'start') {
      total = event.jobs;
      if (event.processes === 0) progress.say('no worker is there yet; start some with `quantize worker`');
    } else if (event.event === 'stage') {
      running.set(event.job, event.stage);
      memory = event.memory ?? 0;
    } else if (event.event === 'warning' && options.verbose)
      progress.say(`warning ${event.code}: ${event.message} (${event.job})`);
    else if (event.event === 'job') {
      const { result } = event;
      running.delete(result.id);
      done = event.finished;
      if (result.status !== 'unchanged') progress.say(jobLine(event));
    }
    if (shell.stderr.isTTY) draw();
  };
  return { take, end: progress.end };
}

function jobLine({ result, finished, jobs }: BatchEvent & { event: 'job' }): string {
  const { id, status, seconds, error } = result;
  const outcome = error
    ? `${status}: ${error.code ?? 'BUG'}: ${error.message}`
    : `${status} in ${seconds.toFixed(1)} s`;
  return `${String(finished).padStart(String(jobs).length)}/${jobs} ${id}: ${outcome}`;
}

function readBaseline(file: string): BatchResult {
  let value: BatchResult;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw invalidError('BASELINE_UNREADABLE', `cannot read the baseline: ${(cause as Error).message}`, {
      where: { file },
      cause,
    });
  }
  if (value?.schema === 'onnx-quantize/batch@1' && Array.isArray(value.jobs)) return value;
  throw invalidError('BASELINE_INVALID', 'the baseline is not what a batch prints', {
    where: { file },
    hint: 'make one with `quantize batch jobs.yaml -f json > baseline.json`',
  });
}

/** The exit code is that of the first failure that is not a gate's, else of a gate's. */
function failIfAny({ jobs }: BatchResult, regressed: number): void {
  const failures = jobs.flatMap((job) => (job.error ? [unpackError(job.error)] : []));
  if (failures.length === 0 && regressed === 0) return;
  const kinds = failures.map((error) => (error instanceof QuantizeError ? error.kind : 'bug'));
  const kind = kinds.find((k) => k !== 'gate') ?? 'gate';
  const parts = [
    ...(failures.length > 0 ? [`${failures.length} of ${jobs.length} jobs failed`] : []),
    ...(regressed > 0 ? [`${regressed} got worse than the baseline allows`] : []),
  ];
  const hint = 'The table says which and why; run it again to do only those.';
  if (kind === 'gate') throw gateError('BATCH_GATE', parts.join('; '), { hint });
  throw new QuantizeError(kind === 'bug' ? 'invalid' : kind, 'BATCH_FAILED', parts.join('; '), { hint });
}
