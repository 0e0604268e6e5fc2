/** The last line of a test run, for people and programs alike: `N passed, N failed`. */
import type { Reporter, TestModule } from 'vitest/node';

export function summaryReporter(): Reporter {
  return {
    onTestRunEnd(modules, unhandledErrors) {
      const { passed, failed, skipped } = countTests(modules);
      // A file that could not be loaded, or an error outside any test, is a failure too.
      const broken = unhandledErrors.length + modules.filter(hasOwnError).length;
      const left = skipped === 0 ? '' : `, ${skipped} skipped`;
      process.stdout.write(`${passed} passed, ${failed + broken} failed${left}\n`);
    },
  };
}

function countTests(modules: readonly TestModule[]): { passed: number; failed: number; skipped: number } {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') count.passed += 1;
      else if (state === 'failed') count.failed += 1;
      else count.skipped += 1;
    }
  }
  return count;
}

function hasOwnError(module: TestModule): boolean {
  return module.errors().length > 0;
}
