import { QuantizeError } from '../errors.js';
import { parseScheme } from '../plan/index.js';
import {
  compareReports,
  type DetailedComparison,
  type DetailedReport,
  type Refusal,
  type ReportComparison,
} from '../report/index.js';
import type { Reported } from './detail.js';
import type { JobOptions } from './options.js';
import { quantize } from './quantize.js';
import { reportWithDetail } from './report.js';
import { resolveTarget } from './stages.js';

/** A comparison, and on demand what only its page shows. */
export interface Compared {
  comparison: ReportComparison;
  detail(): Promise<DetailedComparison>;
}

/**
 * What is known of a model on a target: with samples (`calibration` or `evaluation`) it is quantized and measured
 * against FP32, and nothing is written; without, the figures are modelled from shapes alone.
 */
export const reportOn = (options: JobOptions): Promise<Reported> =>
  options.calibration || options.evaluation
    ? quantize({ ...options, output: undefined })
    : reportWithDetail(options);

/**
 * One model on every target under every scheme, each as `reportOn` gives it. A combination that is not supported is a
 * row with the reason, unless none is.
 * @throws QuantizeError as `reportOn`; UNKNOWN_TARGET, UNKNOWN_SCHEME (usage) before any work
 */
export async function sideBySide(
  options: JobOptions,
  targets: readonly string[],
  schemes: readonly string[],
): Promise<Compared> {
  for (const target of targets) resolveTarget(target);
  for (const scheme of schemes) parseScheme(scheme);
  const reported: Reported[] = [];
  const outcomes: Parameters<typeof compareReports>[0][number][] = [];
  const failures: QuantizeError[] = [];
  for (const target of targets)
    for (const scheme of schemes) {
      const outcome = await attempt({ ...options, target, scheme });
      if (outcome instanceof QuantizeError) {
        failures.push(outcome);
        outcomes.push(refusal(target, scheme, outcome));
      } else if (!isRepeated(outcome, reported)) {
        reported.push(outcome);
        outcomes.push(outcome.report);
      }
    }
  if (reported.length === 0) throw failures[0];
  const comparison = compareReports(outcomes);
  return { comparison, detail: async () => ({ comparison, details: await detailsOf(reported) }) };
}

/** The report, or why there cannot be one. */
async function attempt(options: JobOptions): Promise<Reported | QuantizeError> {
  try {
    return await reportOn(options);
  } catch (error) {
    if (error instanceof QuantizeError && error.kind === 'unsupported') return error;
    throw error;
  }
}

const refusal = (target: string, scheme: string, { message }: QuantizeError): Refusal => {
  const { id, name } = resolveTarget(target);
  return { target: { id, name }, scheme, reason: message };
};

/** A model that is reported as it stands is the same under every scheme. */
const isRepeated = ({ report }: Reported, others: readonly Reported[]): boolean =>
  report.scheme === '' &&
  others.some((o) => o.report.scheme === '' && o.report.target.id === report.target.id);

async function detailsOf(reported: readonly Reported[]): Promise<DetailedReport[]> {
  const details: DetailedReport[] = [];
  for (const each of reported) details.push(await each.detail());
  return details;
}
