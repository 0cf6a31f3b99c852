// Adds up what the test runs recorded in .test-results and prints the closing line; exits with the tests' own status.
import { readdirSync, readFileSync } from "node:fs";

const status = Number(process.argv[2] ?? 1);
const totals = { passed: 0, failed: 0, skipped: 0 };
let files = [];
try {
  files = readdirSync(".test-results").filter((name) => name.endsWith(".json"));
} catch {
  console.log("no test recorded a result: the check before them failed");
}
for (const name of files) {
  const result = JSON.parse(readFileSync(`.test-results/${name}`, "utf8"));
  totals.passed += result.numPassedTests;
  totals.failed += result.numFailedTests;
  totals.skipped += result.numPendingTests + result.numTodoTests;
  // A file that fails to load has no tests to count; it is a failure all the same.
  if (!result.success && result.numFailedTests === 0) totals.failed += 1;
}
if (status !== 0 && totals.failed === 0) totals.failed = 1;
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(status !== 0 ? status : totals.failed > 0 ? 1 : 0);
