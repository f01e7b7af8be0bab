// Reads vitest's JSON report; names every skipped test with its reason, and ends with the line that CI reads.
import { readFileSync } from 'node:fs';

const report = readReport(process.argv[2]);
const tests = report.testResults.flatMap((file) => file.assertionResults);
const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed');
// A file that fails before its tests are known counts as one failure.
const brokenFiles = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
);
for (const { name, message } of brokenFiles) console.log(`BROKEN FILE ${name}: ${message}`);
for (const { fullName } of skipped) console.log(`SKIPPED ${fullName}`);
const passed = tests.filter(({ status }) => status === 'passed').length;
const failed = tests.filter(({ status }) => status === 'failed').length + brokenFiles.length;
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    console.log(`no test report: ${error.message}\n0 passed, 1 failed, 0 skipped`);
    process.exit(1);
  }
}
