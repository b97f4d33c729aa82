// Sums the counts of vitest's JSON reports into the last line of .ci/run: "N passed, N failed, N skipped".
// Arguments: number of failed steps, folder of the reports. A failed step counts even when no single test failed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , failedSteps, folder] = process.argv;
const reports = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
const sum = (field) => reports.reduce((total, report) => total + report[field], 0);
const failed = Math.max(sum('numFailedTests'), Number(failedSteps));
console.log(`\n${sum('numPassedTests')} passed, ${failed} failed, ${sum('numPendingTests')} skipped`);
process.exitCode = failed > 0 || reports.length === 0 ? 1 : 0;
