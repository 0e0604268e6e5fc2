/**
 * The board as an engineer on call sees it: a real aggregator and nats-server behind it, batches put on
 * the subjects of the edge, and the page in a real Chromium.
 */
import { describe, expect } from 'vitest';
import type { Overview } from '../../aggregator/http/answers.ts';
import { findFaults } from '../support/pages/axe.ts';
import {
  FINE,
  INCIDENT,
  it,
  keepScreenshot,
  ONE_POLL_MS,
  rowOf,
  SHOWN_MS,
  textOf,
  untilVerdict,
} from '../support/pages/board.ts';
import { eventually } from '../support/poll.ts';

describe('the board', () => {
  it('shows a healthy picture: every figure, no complaint of the browser', async ({ stage }) => {
    const aggregator = await stage.aggregatorUp();
    stage.startCalls(['eu-west', 'apac']);
    const { page, complaints } = await stage.open(aggregator.url);
    await untilVerdict(page, /^All is well: .*RTT 80 ms .*; 16 people in 2 regions\.$/);
    expect(await rowOf(page, 'apac')).toEqual({
      state: 'fine',
      figures: ['80', '80', '80', '80', '0.4', '0.4', '–', '–', '–', '–', '0', '0', '8', '8', '2', '8'],
    });
    expect(await rowOf(page, 'us-east')).toEqual({
      state: 'nobody here',
      figures: ['–', '–', '–', '–', '–', '–', '–', '–', '–', '–', '0', '0', '0', '0', '0', '0'],
    });
    expect(await page.locator('#regions .server').allInnerTexts()).toHaveLength(2);
    await eventually(async () => (await page.locator('#worst tbody tr:not(.empty)').count()) === 10);
    await page.locator('#worst-region').selectOption('apac');
    await eventually(async () => (await page.locator('#worst tbody tr:not(.empty)').count()) === 8);
    await page.getByText('concealment', { exact: true }).click();
    await eventually(async () => (await page.locator('#worst tbody tr:not(.empty)').count()) === 8);
    await eventually(
      async () => /^\d/.test(await textOf(page.locator('#health tbody tr:has-text("apac") td.figure').nth(4))),
      {
        deadlineMs: ONE_POLL_MS,
      },
    );
    expect(await page.title()).toBe('Fine: all is well – edgepulse');
    expect(await findFaults(page)).toEqual([]);
    await keepScreenshot(page, 'fleet');
    expect(complaints).toEqual([]);
  });

  it('tells within one poll that a region has an incident, and when it is over, and moves nothing', async ({
    stage,
  }) => {
    const aggregator = await stage.aggregatorUp();
    const calls = stage.startCalls(['eu-west', 'apac']);
    const { page, complaints } = await stage.open(aggregator.url);
    await untilVerdict(page, /^All is well/);
    await eventually(async () => (await page.locator('#worst tbody tr:not(.empty)').count()) === 10);
    const places = () =>
      page
        .locator('section.figures, #regions tr')
        .evaluateAll((parts) => parts.map((part) => Math.round(part.getBoundingClientRect().top)));
    const before = await places();
    calls.set('apac', INCIDENT);
    const text = await untilVerdict(page, /^apac: /, ONE_POLL_MS);
    expect(text).toMatch(
      /^apac: RTT p95 3[01]\d ms \(others 80 ms\), concealment p95 20 % \(others 0\.4 %\) – network, and audio suffers; .*8 of 8 people are impaired(?:, mostly by .*)?\.$/,
    );
    expect(await places()).toEqual(before);
    expect((await rowOf(page, 'apac')).state).toBe('▲▲ network + audio');
    await keepScreenshot(page, 'incident');
    expect((await rowOf(page, 'eu-west')).state).toBe('fine');
    await eventually(async () => (await textOf(page.locator('#worst tbody .region').first())) === 'apac');
    calls.set('apac', { ...FINE, expand: 20 });
    await untilVerdict(
      page,
      /^apac: concealment p95 20 % .*audio, by loss or jitter: RTT is within its objective at 80 ms/,
    );
    calls.set('apac', FINE);
    await untilVerdict(page, /^All is well/);
    expect(complaints).toEqual([]);
  });

  it('shows no stale number of a region whose feed is down, and comes back with it', async ({ stage }) => {
    const aggregator = await stage.aggregatorUp();
    stage.startCalls(['apac']);
    const { page, complaints } = await stage.open(aggregator.url);
    await untilVerdict(page, /^All is well/);
    await stage.nats.kill();
    await untilVerdict(
      page,
      /^No feed from any region since \d\d:\d\d:\d\d: nothing is known of the calls\.$/,
      SHOWN_MS,
    );
    const isCut = await page
      .locator('#regions .state')
      .first()
      .evaluate((state) => {
        const { right } = state.getBoundingClientRect();
        return right > (state.closest('th')?.getBoundingClientRect().right ?? 0);
      });
    expect(isCut).toBe(false);
    await keepScreenshot(page, 'feed-down');
    // Not withdrawn yet: it is the board that shows none of it.
    const { state, figures } = await rowOf(page, 'apac');
    expect(state).toMatch(/^no feed since \d\d:\d\d:\d\d$/);
    expect(new Set(figures)).toEqual(new Set(['–']));
    expect(await page.locator('#regions .server').count()).toBe(0);
    await eventually(async () => (await page.locator('#worst tbody tr:not(.empty)').count()) === 0);
    expect(new Set(await page.locator('#regions tfoot td.figure').allInnerTexts())).toEqual(new Set(['–', '']));
    await stage.nats.restart();
    await untilVerdict(page, /^All is well/, SHOWN_MS);
    expect(complaints).toEqual([]);
  });

  it('says that the aggregator does not answer, of when its figures are, and goes on when it is back', async ({
    stage,
  }) => {
    const aggregator = await stage.aggregatorUp();
    stage.startCalls(['apac']);
    const { page } = await stage.open(aggregator.url);
    await untilVerdict(page, /^All is well/);
    await aggregator.kill();
    await untilVerdict(
      page,
      /^The aggregator does not answer\. The figures below are of \d\d:\d\d:\d\d and are not true of now\.$/,
    );
    expect(await page.locator('html').getAttribute('data-state')).toBe('stale');
    await keepScreenshot(page, 'no-answer');
    expect(
      await page.locator('#regions').evaluate((table) => getComputedStyle(table.closest('.figures') ?? table).opacity),
    ).toBe('0.45');
    expect(await page.title()).toBe('Unknown: no answer – edgepulse');
    await aggregator.restart();
    await untilVerdict(page, /^All is well/, SHOWN_MS);
    expect(await page.locator('html').getAttribute('data-state')).toBe('live');
  });

  it('says that an answer cannot be shown, and goes on with the next one', async ({ stage }) => {
    const aggregator = await stage.aggregatorUp();
    stage.startCalls(['apac']);
    const { page, complaints } = await stage.open(aggregator.url);
    await untilVerdict(page, /^All is well/);
    const overview = (await (await fetch(`${aggregator.url}/api/v1/overview`)).json()) as Overview;
    await page.route('**/api/v1/overview*', (route) =>
      route.fulfill({ json: { ...overview, regions: [{ region: 'apac' }] } }),
    );
    await untilVerdict(page, /^The aggregator’s answer cannot be shown\. The figures below are of /);
    expect(await page.title()).toBe('Unknown: no answer – edgepulse');
    expect(complaints.length).toBeGreaterThan(0);
    await page.unrouteAll();
    await untilVerdict(page, /^All is well/);
  });

  it('says of which part its figures are, and leaves the verdict its room', async ({ stage }) => {
    const aggregator = await stage.aggregatorUp({ LANES: '2', SHARD: '0/2' });
    const { page } = await stage.open(aggregator.url);
    await untilVerdict(page, /^No session reports/);
    expect(await textOf(page.locator('#part'))).toMatch(/^This shows a part: shard 0 of 2\./);
    const [verdict, text, part] = await Promise.all(
      ['#verdict', '#verdict-text', '#part'].map((id) => page.locator(id).boundingBox()),
    );
    expect(text?.width).toBeGreaterThan(0.8 * (verdict?.width ?? Number.NaN));
    expect(part?.x).toBe(text?.x);
  });

  it('shows ids as text, whatever they look like', async ({ stage }) => {
    const aggregator = await stage.aggregatorUp();
    const { page, complaints } = await stage.open(aggregator.url);
    const id = '-.constructor.__proto__._'.padEnd(64, '.');
    await stage.feeder.send({}, { meeting_id: id, session_id: id, participant_id: id, rtt: [0.4] });
    await eventually(async () => (await textOf(page.locator('#worst .id').first())) === id, {
      deadlineMs: ONE_POLL_MS,
    });
    expect(complaints).toEqual([]);
  });

  it('opens with METRICS_TOKEN as the password', async ({ stage }) => {
    const aggregator = await stage.aggregatorUp({ METRICS_TOKEN: 'open-sesame' });
    stage.startCalls(['apac']);
    const { page, complaints } = await stage.open(aggregator.url, { password: 'open-sesame' });
    await untilVerdict(page, /^All is well/);
    await eventually(async () => (await page.locator('#worst tbody tr:not(.empty)').count()) === 8);
    expect(complaints).toEqual([]);
  });

  it('fits a telephone, and is worked with the keyboard alone', async ({ stage }) => {
    const aggregator = await stage.aggregatorUp();
    stage.startCalls(['apac']);
    const { page } = await stage.open(aggregator.url, { width: 400 });
    await untilVerdict(page, /^All is well/);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(400);
    const servers = page.locator('#regions .server');
    expect(await servers.first().isVisible()).toBe(false);
    const toggle = page.getByRole('button', { name: 'apac', exact: true });
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the regions');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await toggle.evaluate((button) => button === document.activeElement)).toBe(true);
    await page.keyboard.press('Enter');
    expect(await servers.first().isVisible()).toBe(true);
    expect(await toggle.getAttribute('aria-expanded')).toBe('true');
    await page.locator('#worst-sort input:checked').focus();
    await page.keyboard.press('ArrowRight');
    expect(new URL(page.url()).search).toBe('?sort=concealment');
    expect(await findFaults(page)).toEqual([]);
    await keepScreenshot(page, 'fleet');
  });
});
