import type { Plan } from '../../plan/types.js';
import type {
  Compared,
  Comparison,
  Inspection,
  LintReport,
  PackageReport,
  Reported,
  Sensitivity,
  Survey,
} from '../engine.js';
import type { Options } from '../options/index.js';
import type { Forms } from '../output.js';

type Verbosity = Pick<Options, 'verbose'>;

/** A report as JSON, Markdown (by src/report, for files and pull requests too), a page, or a terminal table. */
export const reportForms = ({ report, detail }: Reported, { verbose = false }: Verbosity): Forms => ({
  json: report,
  html: async () => (await import('../../report/index.js')).reportHtml(await detail()),
  markdown: async () => (await import('../../report/index.js')).reportMarkdown(report),
  table: async (term) => (await import('./report.js')).renderReport(report, term, verbose),
});

/** Several reports of one model side by side. */
export const comparedForms = ({ comparison, detail }: Compared): Forms => ({
  json: comparison,
  html: async () => (await import('../../report/index.js')).comparisonHtml(await detail()),
  markdown: async () => (await import('../../report/index.js')).comparisonMarkdown(comparison),
  table: async (term) => (await import('./side-by-side.js')).renderSideBySide(comparison, term),
});

export const inspectionForms = (inspection: Inspection, { verbose = false }: Verbosity): Forms => ({
  json: inspection,
  markdown: async () => (await import('./inspection.js')).inspectionMarkdown(inspection),
  table: async (term) => (await import('./inspection.js')).renderInspection(inspection, term, verbose),
});

export const comparisonForms = (comparison: Comparison, { verbose = false }: Verbosity): Forms => ({
  json: comparison,
  markdown: async () => (await import('./comparison.js')).comparisonMarkdown(comparison),
  table: async (term) => (await import('./comparison.js')).renderComparison(comparison, term, verbose),
});

export const packageForms = (report: PackageReport, { verbose = false }: Verbosity): Forms => ({
  json: report,
  markdown: async () => (await import('./package.js')).packageMarkdown(report),
  table: async (term) => (await import('./package.js')).renderPackage(report, term, verbose),
});

/** Two results, one after the other; in JSON the second is a field of the first. */
export const withPackage = (forms: Forms, report: PackageReport | undefined, options: Verbosity): Forms => {
  if (!report) return forms;
  const more = packageForms(report, options);
  return {
    ...forms,
    json: { ...(forms.json as object), package: report },
    markdown: async () => `${(await forms.markdown()).trimEnd()}\n\n${await more.markdown()}`,
    table: async (term) => `${(await forms.table(term)).trimEnd()}\n\n${await more.table(term)}`,
  };
};

/** What each rule says is looked up when it is shown. */
export const lintForms = (report: LintReport, { verbose = false }: Verbosity): Forms => ({
  json: report,
  markdown: async () => (await import('./lint.js')).lintMarkdown(report, (await rules())(report.runtime)),
  table: async (term) =>
    (await import('./lint.js')).renderLint(report, (await rules())(report.runtime), term, verbose),
});
const rules = async () => (await import('../../pipeline.js')).rulesFor;

export const planForms = (plan: Plan, { verbose = false }: Verbosity): Forms => ({
  json: plan,
  markdown: async () => (await import('./plan.js')).planMarkdown(plan),
  table: async (term) => (await import('./plan.js')).renderPlan(plan, term, verbose),
});

export const surveyForms = (survey: Survey, { verbose = false }: Verbosity): Forms => ({
  json: survey,
  markdown: async () => (await import('./survey.js')).surveyMarkdown(survey),
  table: async (term) => (await import('./survey.js')).renderSurvey(survey, term, verbose),
});

export const sensitivityForms = (found: Sensitivity, { verbose = false }: Verbosity): Forms => ({
  json: found,
  markdown: async () => (await import('./sensitivity.js')).sensitivityMarkdown(found),
  table: async (term) => (await import('./sensitivity.js')).renderSensitivity(found, term, verbose),
});
