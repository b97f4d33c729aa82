// Sums the counts of vitest's JSON reports into the last line of .ci/run: "N passed, N failed, N skipped".
// Arguments: the folder of the reports (<suite>.json), then the names of the steps that failed. A failed step that is no
// suite, or whose suite failed without a failed test (it did not load, or crashed), counts as one failure.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , folder, ...failedSteps] = process.argv;
const reports = new Map(
  readdirSync(folder).map((file) => [
    file.replace('.json', ''),
    JSON.parse(readFileSync(join(folder, file), 'utf8')),
  ]),
);
const sum = (field) => [...reports.values()].reduce((total, report) => total + report[field], 0);
const besides = failedSteps.filter((step) => !(reports.get(step)?.numFailedTests > 0));
const failed = sum('numFailedTests') + besides.length;
console.log(`\n${sum('numPassedTests')} passed, ${failed} failed, ${sum('numPendingTests')} skipped`);
process.exitCode = failed > 0 || reports.size === 0 ? 1 : 0;
