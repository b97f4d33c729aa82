import type { JobOptions, Pipeline, Result } from './engine.js';
import { checkFrontFiles, writeFront } from './files/fronts.js';
import { defaultOutput } from './files/names.js';
import { refuseOverwriting } from './files/paths.js';
import { checkReportFiles, reportFiles, requireFolder, writeReportFiles } from './files/reports.js';
import { throughFile, writeTextFile } from './files/streams.js';
import { type Session, withJob } from './job.js';
import type { Options } from './options/index.js';
import { jsonText, printResult } from './output.js';
import { reportForms, withPackage } from './render/forms.js';
import type { Shell } from './shell.js';

type Work = (pipeline: Pipeline, job: JobOptions) => Promise<Result>;

/** Quantizes `model` by `work`, then says what was written and prints the report. */
export async function runMainJob(model: string, options: Options, shell: Shell, work: Work): Promise<void> {
  const output = options.output ?? defaultOutput(model, options);
  refuseBadPaths(model, output, options);
  await withJob(model, options, shell, async (session) => {
    const pipeline = await shell.pipeline();
    const result = await produce(output, session, shell, (job) => work(pipeline, job));
    await writeFront(result.report.front, options.front);
    if (options.savePlan) writeTextFile(options.savePlan, jsonText(result.plan));
    const forms = withPackage(reportForms(result, options), result.package, options);
    await writeReportFiles(forms, options);
    const written = [
      ...(output === '-' ? [] : result.files),
      options.savePlan,
      ...(options.front ?? []),
      ...reportFiles(options),
    ];
    session.progress.end();
    for (const file of written) if (file) session.progress.say(`wrote ${file}`);
    // Where stdout carries the model, the report goes to people.
    const sink = output === '-' ? shell.stderr : shell.stdout;
    if (output !== '-' || !options.quiet) await printResult(forms, options, shell, sink);
    // Kept or not, a gate that failed is a failure to whoever reads the exit code.
    if (result.failedGate) throw result.failedGate;
  });
}

const produce = (
  output: string,
  { job }: Session,
  shell: Shell,
  work: (job: JobOptions) => Promise<Result>,
): Promise<Result> =>
  output === '-'
    ? throughFile('stdout.onnx', shell.stdout, (file) => work({ ...job, output: file }))
    : work({ ...job, output });

/** Refused before hours of work, not after. */
function refuseBadPaths(model: string, output: string, options: Options): void {
  const outputs = [output, options.package, options.savePlan, options.sidecar, ...(options.front ?? [])];
  refuseOverwriting(model, [...outputs, ...reportFiles(options)]);
  for (const file of outputs) if (file !== undefined && file !== '-') requireFolder(file);
  checkReportFiles(options);
  checkFrontFiles(options);
}
