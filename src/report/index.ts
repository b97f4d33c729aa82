import type { Front, Sensitivity } from '../sensitivity/types.js';
import type { DetailedComparison } from './comparison.js';
import type { DetailedReport } from './details.js';
import type { OverviewJob } from './html/overview.js';

export { fallbacks, operatorTable, type TextTable } from './breakdown.js';
export {
  type ComparisonRow,
  compareReports,
  type DetailedComparison,
  type Refusal,
  type ReportComparison,
} from './comparison.js';
export { comparisonMarkdown } from './comparison-markdown.js';
export { COMPARISON_SCHEMA } from './comparison-schema.js';
export { comparisonTable } from './comparison-table.js';
export { consequences } from './consequences.js';
export type { DetailedReport, Provenance } from './details.js';
export { type Distribution, distributions } from './distributions.js';
export { lossTable, stepText } from './losses.js';
export { modelMacs } from './macs.js';
export { reportMarkdown } from './markdown.js';
export { buildReport, type ReportInput } from './report.js';
export { REPORT_SCHEMA } from './schema.js';
export { lossLine, trainingFacts, trainingRows } from './training.js';
export type { Figure, FigureKind, LayerRow, Report, SpeedAndPower, Training } from './types.js';

/** The report as a page. The charts cost a tenth of a second to load, so only who asks for a page pays for them. */
export const reportHtml = async (detailed: DetailedReport): Promise<string> =>
  (await import('./html/report.js')).reportHtml(detailed);

/** Several reports of one model as a page. */
export const comparisonHtml = async (detailed: DetailedComparison): Promise<string> =>
  (await import('./html/comparison.js')).comparisonHtml(detailed);
export type { OverviewJob } from './html/overview.js';

/** All jobs of a batch as a page. */
export const overviewHtml = async (title: string, jobs: readonly OverviewJob[]): Promise<string> =>
  (await import('./html/overview.js')).overviewHtml(title, jobs);
export type { Settings } from './outlook.js';
export { surveySvg } from './survey/index.js';

/** Error through depth and the damage of layers as a picture. */
export const sensitivitySvg = async (found: Sensitivity): Promise<string> =>
  (await import('./sensitivity/chart.js')).sensitivitySvg(found);

/** What budgets buy as a picture, and as lines of numbers. */
export const frontSvg = async (front: Front): Promise<string> =>
  (await import('./sensitivity/front.js')).frontSvg(front);
export { frontCsv } from './sensitivity/front-csv.js';
