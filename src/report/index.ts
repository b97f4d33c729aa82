export type { DetailedReport, Provenance } from './details.js';
export { type Distribution, distributions } from './distributions.js';

import type { DetailedReport } from './details.js';

export { reportMarkdown } from './markdown.js';
export { buildReport, type ReportInput } from './report.js';
export { REPORT_SCHEMA } from './schema.js';
export type { Figure, FigureKind, LayerRow, Report, SpeedAndPower } from './types.js';

/** The report as a page. The charts cost a tenth of a second to load, so only who asks for a page pays for them. */
export const reportHtml = async (detailed: DetailedReport): Promise<string> =>
  (await import('./html/report.js')).reportHtml(detailed);
