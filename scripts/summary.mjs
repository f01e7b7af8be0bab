// Reads vitest's JSON report and its exit code; names what was skipped, what passed only when it was tried again and what
// broke outside of tests, and ends with the line that CI reads. A run that failed never ends with "0 failed".
import { readFileSync } from 'node:fs';

const [, , path, exitCode] = process.argv;
const report = readReport(path);
const tests = report.testResults.flatMap((file) => file.assertionResults);
const count = (status) => tests.filter((test) => test.status === status).length;
const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed');
// A file whose imports or hooks fail has no failed test of its own, and counts as one failure.
const brokenFiles = report.testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
);
for (const { name, message } of brokenFiles) console.log(`BROKEN FILE ${name}: ${message}`);
// Passed, but not at once (FSB_TEST_RETRY): nobody is to overlook it.
for (const { fullName, status, failureMessages } of tests)
  if (status === 'passed' && failureMessages.length > 0)
    console.log(`FLAKY ${fullName}: ${failureMessages[0].split('\n', 1)[0]}`);
// The title says why, by the house's rule: "... (skipped: needs X)".
for (const { fullName } of skipped) console.log(`SKIPPED ${fullName}`);
let failed = count('failed') + brokenFiles.length;
if (failed === 0 && exitCode !== '0') {
  console.log('BROKEN RUN: an error was thrown outside of every test, see above');
  failed = 1;
}
console.log(`${count('passed')} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed > 0 || count('passed') === 0 ? 1 : 0;

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    console.log(`no test report: ${error.message}\n0 passed, 1 failed, 0 skipped`);
    process.exit(1);
  }
}
