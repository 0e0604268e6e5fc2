/** The charts of the board, and what is chosen with them: of which region, which one is large, and what a link shows. */
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { Overview } from '../../aggregator/http/answers.ts';
import { findFaults } from '../support/pages/axe.ts';
import { INCIDENT, it, keepScreenshot, ONE_POLL_MS, textOf, untilText, untilVerdict } from '../support/pages/board.ts';
import { eventually } from '../support/poll.ts';

const chart = (page: Page, measure: string) => page.locator(`.chart.${measure}`);
const labelOf = (page: Page, measure: string) => chart(page, measure).locator('.plot').getAttribute('aria-label');

async function historyOf(url: string): Promise<Overview['history']> {
  const answer = await fetch(`${url}/api/v1/overview`);
  return ((await answer.json()) as Overview).history;
}

describe('the charts', () => {
  it('are there when the page opens, of a region that stands in the address, one of them large', async ({ stage }) => {
    const aggregator = await stage.aggregatorUp();
    const calls = stage.startCalls(['eu-west', 'apac']);
    calls.set('apac', INCIDENT);
    const isKnown = async () => (await historyOf(aggregator.url)).regions.apac?.rtt_p95.some((p95) => (p95 ?? 0) > 0.3);
    await eventually(isKnown, { deadlineMs: 20_000 });
    const { page, complaints } = await stage.open(`${aggregator.url}/?region=apac`, { colorScheme: 'dark' });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await untilVerdict(page, /^apac: /);
    // Of the first answer: no poll has followed it yet.
    expect(await labelOf(page, 'rtt')).toMatch(/^RTT of clients, apac, last 15 minutes: .*p95 now 3[01]\d ms/);
    expect(await labelOf(page, 'people')).toMatch(/people now 8/);
    expect(await page.locator('.plot canvas').count()).toBe(7);
    await chart(page, 'concealment').getByRole('button', { name: 'Concealment' }).click();
    expect(new URL(page.url()).search).toBe('?region=apac&measure=concealment');
    expect((await chart(page, 'concealment').locator('canvas').boundingBox())?.height).toBe(280);
    await chart(page, 'concealment')
      .getByRole('button', { name: /^PromQL/ })
      .click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(
      'edgepulse_live_concealment_ratio_bucket{region="apac"}',
    );
    await page.locator('#charts-region').selectOption('eu-west');
    await untilText(page.locator('#worst tbody .region').first(), /^eu-west$/);
    expect(await labelOf(page, 'rtt')).toMatch(/^RTT of clients, eu-west, .*p95 now 80 ms/);
    await page.goBack();
    expect(await page.locator('#charts-region').inputValue()).toBe('apac');
    await page.goBack();
    expect(await chart(page, 'concealment').getAttribute('class')).not.toContain('large');
    expect(complaints).toEqual([]);
  });

  it('share one cursor, say what they show as a table, and have the colours of light and dark', async ({ stage }) => {
    const aggregator = await stage.aggregatorUp();
    stage.startCalls(['apac']);
    const { page, complaints } = await stage.open(aggregator.url);
    await eventually(async () => /p95 now 80 ms/.test((await labelOf(page, 'rtt')) ?? ''), { deadlineMs: 20_000 });
    const plot = await chart(page, 'rtt').locator('.u-over').boundingBox();
    if (!plot) throw new Error('the chart is not laid out');
    await page.mouse.move(plot.x + plot.width - 1, plot.y + 20);
    await untilText(page.locator('.cursor-time'), /^at \d\d:\d\d:\d\d$/);
    // Where it stands in one chart it stands in all.
    const places = await page
      .locator('.u-cursor-x')
      .evaluateAll((lines) => lines.map((line) => getComputedStyle(line).display));
    expect(new Set(places)).toEqual(new Set(['block']));
    await page.getByText('As a table').click();
    const head = await page.locator('#charts thead th').allInnerTexts();
    expect(head.slice(0, 4)).toEqual([
      'minute',
      'RTT of clients p50, ms',
      'RTT of clients p95, ms',
      'RTT of clients p99, ms',
    ]);
    expect(await textOf(page.locator('#charts tbody tr').first().locator('td').nth(1))).toBe('80');
    expect(await findFaults(page)).toEqual([]);
    const lineColour = () =>
      page
        .locator('.swatch.main')
        .first()
        .evaluate((swatch) => getComputedStyle(swatch).borderTopColor);
    const light = await lineColour();
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await lineColour()).not.toBe(light);
    expect(await findFaults(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('keep what they showed when another process answers, and fill no hole with what nobody knows', async ({
    stage,
  }) => {
    const aggregator = await stage.aggregatorUp();
    stage.startCalls(['apac']);
    const { page } = await stage.open(aggregator.url);
    await eventually(async () => /p95 now 80 ms/.test((await labelOf(page, 'rtt')) ?? ''), { deadlineMs: 20_000 });
    await page.getByText('As a table').click();
    const oldestMinute = () => textOf(page.locator('#charts tbody tr').last().locator('th'));
    const before = await oldestMinute();
    await aggregator.restart();
    await eventually(async () => (await historyOf(aggregator.url)).times_ms.length > 0, { deadlineMs: 20_000 });
    await untilVerdict(page, /^All is well/);
    await eventually(async () => /p95 now 80 ms/.test((await labelOf(page, 'rtt')) ?? ''), { deadlineMs: ONE_POLL_MS });
    expect(await oldestMinute()).toBe(before);
  });

  it('are empty while nobody is in a call', async ({ stage }) => {
    const aggregator = await stage.aggregatorUp();
    const { page, complaints } = await stage.open(aggregator.url, { width: 400 });
    await untilVerdict(page, /^No session reports/);
    expect(await labelOf(page, 'rtt')).toMatch(/p50 not known; p95 not known; p99 not known$/);
    expect(await findFaults(page)).toEqual([]);
    await keepScreenshot(page, 'empty');
    expect(complaints).toEqual([]);
  });
});
