export { reportMarkdown } from './markdown.js';
export { buildReport, type ReportInput } from './report.js';
export { REPORT_SCHEMA } from './schema.js';
export type { Figure, FigureKind, LayerRow, Report, SpeedAndPower } from './types.js';
