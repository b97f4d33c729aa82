import type { LintReport } from '../engine.js';
import { markdownSection, paragraphs, renderSection, type Section } from './section.js';
import type { Terminal } from './terminal.js';

type Rules = ReturnType<typeof import('../../pipeline.js')['rulesFor']>;

export const renderLint = (report: LintReport, rules: Rules, term: Terminal, verbose: boolean): string =>
  paragraphs([
    renderSection(findings(report), term, true),
    ...(verbose ? [renderSection(explained(report, rules), term, true)] : []),
    verdict(report),
  ]);

export const lintMarkdown = (report: LintReport, rules: Rules): string =>
  paragraphs([...[findings(report), explained(report, rules)].map(markdownSection), verdict(report)]);

const findings = ({ file, runtime, findings: all }: LintReport): Section => ({
  title: `${file} for ${runtime}`,
  head: ['', 'rule', 'finding', 'node', 'tensor'],
  rows: all.map((f) => [f.severity, f.rule, f.message, f.node ?? '', f.tensor ?? '']),
});

/** Each rule that was broken, once. */
const explained = ({ findings: all }: LintReport, rules: Rules): Section => {
  const broken = new Set(all.map((f) => f.rule));
  return {
    title: 'rules',
    head: ['rule', 'asks that', 'because', 'so', 'source'],
    rows: rules.filter((r) => broken.has(r.id)).map((r) => [r.id, r.what, r.why, r.fix, r.source]),
  };
};

const verdict = ({ findings: all, pairs, runtime }: LintReport): string => {
  const errors = all.filter((f) => f.severity === 'error').length;
  return `${pairs} Q/DQ nodes, rules of ${runtime}: ${errors} errors, ${all.length - errors} warnings`;
};
