import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { BatchResult, JobResult } from '../../batch/types.js';
import type { OverviewJob } from '../../report/index.js';
import { writeTextFile } from '../files/streams.js';
import { versionOf } from '../version.js';

/** Writes an overview of a batch, and into the folder `<file without its ending>.reports` a page for each job. */
export async function writeOverview(file: string, title: string, { jobs }: BatchResult): Promise<void> {
  const { overviewHtml } = await import('../../report/index.js');
  const folder = `${file.replace(/\.html?$/i, '')}.reports`;
  mkdirSync(folder, { recursive: true });
  const rows: OverviewJob[] = [];
  for (const job of jobs) {
    const { id, target, scheme, status, seconds, report, error } = job;
    const href = report && (await writePage(job, folder));
    const why = error && `${error.code ?? 'BUG'}: ${error.message}`;
    rows.push({ id, target, scheme, outcome: status, seconds, report, why, href });
  }
  writeTextFile(file, `${await overviewHtml(title, rows)}`);
}

/** @returns the address of the page relative to the overview */
async function writePage({ id, target, scheme, report }: JobResult, folder: string): Promise<string> {
  const { reportHtml } = await import('../../report/index.js');
  const name = `${id.replace(/[^\w.-]+/g, '.')}.html`;
  const tool = `onnx-quantize ${versionOf()}`;
  const provenance = { tool, versions: {}, platform: process.platform, options: { target, scheme } };
  writeTextFile(join(folder, name), await reportHtml({ report: report!, distributions: [], provenance }));
  return [basename(folder), name].map(encodeURIComponent).join('/');
}
