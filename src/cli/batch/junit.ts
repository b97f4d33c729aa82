import type { BatchResult, JobResult, Regression } from '../../batch/types.js';

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};
/** Code points that XML 1.0 has no way to write. */
const unwritable = (code: number): boolean =>
  (code < 32 && code !== 9 && code !== 10 && code !== 13) || code === 0xfffe || code === 0xffff;
const escaped = (text: string): string =>
  [...text].map((c) => (unwritable(c.codePointAt(0)!) ? '\ufffd' : (ENTITIES[c] ?? c))).join('');

/**
 * The outcome of a batch as JUnit XML, as CI systems read it: a test case a job; a gate or a regression is a failure,
 * anything else that went wrong an error.
 */
export function junitXml({ jobs, seconds }: BatchResult, regressions: readonly Regression[]): string {
  const cases = jobs.map((job) =>
    testCase(
      job,
      regressions.filter((r) => r.job === job.id),
    ),
  );
  const count = (tag: string) => cases.filter((text) => text.includes(`<${tag} `)).length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites><testsuite name="quantize" tests="${jobs.length}" failures="${count('failure')}" errors="${count('error')}" time="${seconds.toFixed(3)}">`,
    ...cases,
    '</testsuite></testsuites>',
    '',
  ].join('\n');
}

function testCase({ id, model, error, seconds }: JobResult, worse: readonly Regression[]): string {
  const open = `<testcase name="${escaped(id)}" classname="${escaped(model)}" time="${seconds.toFixed(3)}"`;
  const findings = [
    ...(error
      ? [
          finding(
            error.code && error.kind === 'gate' ? 'failure' : 'error',
            error.code ?? 'BUG',
            error.message,
          ),
        ]
      : []),
    ...worse.map((r) => finding('failure', regressionCode(r), regressionText(r))),
  ];
  return findings.length === 0 ? `${open}/>` : `${open}>${findings.join('')}</testcase>`;
}

const finding = (tag: string, type: string, message: string): string =>
  `<${tag} type="${escaped(type)}" message="${escaped(message)}"/>`;

export const regressionCode = ({ what }: Regression): string => `REGRESSION_${what.toUpperCase()}`;

/** "latency: 1.2 ms before, 1.5 ms now; 10 % is allowed". */
export function regressionText({ what, before, after, unit, allowed }: Regression): string {
  const value = (x: number) => `${Number(x.toPrecision(4))} ${unit}`;
  return `${what}: ${value(before)} before, ${value(after)} now; ${allowed} ${what === 'drop' ? 'points' : '%'} more are allowed`;
}
