/** Faults of accessibility that axe-core finds in a page. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** How grave a fault is, as axe judges it, from which on it is one here. */
const GRAVE = new Set(['serious', 'critical']);

/** @returns one text for each grave fault: the rule, and where it is broken; colours need a page that is laid out */
export async function findFaults(page: Page): Promise<string[]> {
  // Evaluated by the debugger, which no CSP forbids.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(async () => {
    const found = await (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
      resultTypes: ['violations'],
    });
    return JSON.parse(JSON.stringify({ violations: found.violations })) as { violations: typeof found.violations };
  });
  return violations
    .filter(({ impact }) => GRAVE.has(impact ?? ''))
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
    );
}
