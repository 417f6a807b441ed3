import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** What one run of vitest comes to, for `test/run.js`. */
export interface Summary {
  passed: number;
  failed: number;
  skipped: { readonly name: string; readonly reason: string }[];
}

/** Writes the summary to the file that TEST_SUMMARY_FILE names. A file that cannot be loaded and an error outside of tests count as failures. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const summary: Summary = { passed: 0, failed: unhandled.length, skipped: [] };
    for (const module of modules) {
      if (module.errors().length > 0) summary.failed++;
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) summary.failed++;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') summary.passed++;
        else if (result.state === 'skipped')
          summary.skipped.push({ name: `${module.relativeModuleId}: ${test.fullName}`, reason: result.note ?? 'no reason given' });
        else summary.failed++;
      }
    }
    const file = process.env['TEST_SUMMARY_FILE'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(summary));
  }
}
