/**
 * The board as an engineer on call sees it: a real aggregator and nats-server behind it, batches put on
 * the subjects of the edge, and the page in a real Chromium.
 */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Beacon } from '../../shared/beacon.ts';
import { type Feeder, startFeeder } from '../support/edge/feeder.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { launchChromium } from '../support/processes/chromium.ts';
import { type NatsServer, startNatsServer } from '../support/processes/nats-server.ts';

const TTL_SECONDS = 6;
/** The page asks every 5 s; the rest is for the way from NATS to the screen of a busy machine. */
const ONE_POLL_MS = 10_000;
/** To begin with, or after a fault: a dead connection is detected within 10 s, and shown with the next poll. */
const SHOWN_MS = 25_000;

let browser: Browser;
const ends: (() => Promise<unknown> | unknown)[] = [];
let nats: NatsServer;
let feeder: Feeder;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser?.close());

beforeEach(async () => {
  nats = await startNatsServer();
  ends.push(() => nats.stop());
  feeder = await startFeeder(nats.url);
  ends.push(() => feeder.close());
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function aggregatorUp(env: Readonly<Record<string, string>> = {}): Promise<AggregatorProcess> {
  const settings = { REGION: 'us-east,eu-west,apac', SESSION_TTL_SECONDS: `${TTL_SECONDS}` };
  const aggregator = await startAggregator({ natsUrl: nats.url, env: { ...settings, ...env } });
  ends.push(() => aggregator.stop());
  return aggregator;
}

type Conditions = { readonly rtt: number; readonly expand: number };

const FINE: Conditions = { rtt: 0.08, expand: 0.4 };
const INCIDENT: Conditions = { rtt: 0.31, expand: 20 };

type Calls = {
  /** From now on the region's sessions fare like this. */
  set(region: string, conditions: Conditions): void;
};

/** Eight sessions in two meetings of each region, which tell how they fare five times a second. */
function startCalls(regions: readonly string[]): Calls {
  const conditions = new Map(regions.map((region) => [region, FINE]));
  let seq = 0;
  const beat = () => {
    for (const [region, { rtt, expand }] of conditions) {
      const beacons = Array.from({ length: 8 }, (_, i): Partial<Beacon> => {
        const id = `${region}-${i}`;
        const peers = [{ peer_id: 'other', neteq: { buffer: 0.08, operations_per_second: { expand } } }];
        return { meeting_id: `m-${region}-${i % 2}`, session_id: id, participant_id: id, seq, rtt: [rtt], peers };
      });
      // What is lost to a dead server is what the tests that kill it are about.
      feeder.send({ region }, ...beacons).catch(() => undefined);
    }
    seq++;
  };
  beat();
  const timer = setInterval(beat, 200);
  ends.push(() => clearInterval(timer));
  return { set: (region, now) => void conditions.set(region, now) };
}

/** What the page did that no page should: errors on its console, uncaught ones, and violations of its CSP. */
type Complaints = readonly string[];

type PageOptions = { readonly password?: string; readonly width?: number };

async function openBoard(url: string, { password, width = 1280 }: PageOptions = {}) {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    // What a person types when the browser asks.
    ...(password === undefined ? {} : { httpCredentials: { username: 'on-call', password } }),
  });
  ends.push(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective }) =>
      reportError(new Error(`CSP: ${violatedDirective}`)),
    );
  });
  await page.goto(url);
  return { page, complaints: complaints as Complaints };
}

const textOf = async (locator: Locator) => (await locator.textContent()) ?? '';

async function untilVerdict(page: Page, expected: RegExp, deadlineMs = SHOWN_MS): Promise<string> {
  return eventually(
    async () => {
      const text = await textOf(page.locator('#verdict-text'));
      if (!expected.test(text)) throw new Error(`the verdict is: ${text}`);
      return text;
    },
    { deadlineMs },
  );
}

/** The texts of a region's own row: its state, then its figures from left to right. */
async function rowOf(page: Page, region: string): Promise<{ state: string; figures: string[] }> {
  const row = page
    .locator('#regions tbody')
    .filter({ has: page.getByRole('button', { name: region }) })
    .locator('tr')
    .first();
  return { state: await textOf(row.locator('.state')), figures: await row.locator('td.figure').allInnerTexts() };
}

describe('the board', () => {
  it('shows a healthy picture: every figure, no complaint of the browser', async () => {
    const aggregator = await aggregatorUp();
    startCalls(['eu-west', 'apac']);
    const { page, complaints } = await openBoard(aggregator.url);
    await untilVerdict(page, /^All is well: .*RTT 80 ms .*; 16 sessions in 2 regions\.$/);
    expect(await rowOf(page, 'apac')).toEqual({
      state: 'fine',
      figures: ['80', '80', '80', '80', '0.4', '0.4', '–', '–', '–', '–', '0', '8', '8', '2', '8'],
    });
    expect(await rowOf(page, 'us-east')).toEqual({
      state: 'nobody here',
      figures: ['–', '–', '–', '–', '–', '–', '–', '–', '–', '–', '0', '0', '0', '0', '0'],
    });
    expect(await page.locator('#regions .server').allInnerTexts()).toHaveLength(2);
    await eventually(async () => (await page.locator('#worst tbody tr:not(.empty)').count()) === 10);
    await page.locator('#worst-region').selectOption('apac');
    await eventually(async () => (await page.locator('#worst tbody tr:not(.empty)').count()) === 8);
    await page.getByText('concealment', { exact: true }).click();
    await eventually(async () => (await page.locator('#worst tbody tr:not(.empty)').count()) === 8);
    await eventually(
      async () => /^\d/.test(await textOf(page.locator('#health tbody tr:has-text("apac") td.figure').last())),
      {
        deadlineMs: ONE_POLL_MS,
      },
    );
    expect(await page.title()).toBe('Fine: all is well – edgepulse');
    expect(complaints).toEqual([]);
  });

  it('tells within one poll that a region has an incident, and when it is over', async () => {
    const aggregator = await aggregatorUp();
    const calls = startCalls(['eu-west', 'apac']);
    const { page, complaints } = await openBoard(aggregator.url);
    await untilVerdict(page, /^All is well/);
    calls.set('apac', INCIDENT);
    const text = await untilVerdict(page, /^apac: /, ONE_POLL_MS);
    expect(text).toMatch(
      /^apac: RTT p95 3[01]\d ms \(others 80 ms\), concealment p95 20 % \(others 0\.4 %\) – network, and audio suffers; .*8 of 8 sessions over 150 ms, 8 of 8 sessions are impaired(?:, most bad streams by .*)?\.$/,
    );
    expect((await rowOf(page, 'apac')).state).toBe('▲▲ network + audio');
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

  it('shows no stale number of a region whose feed is down, and comes back with it', async () => {
    const aggregator = await aggregatorUp();
    startCalls(['apac']);
    const { page, complaints } = await openBoard(aggregator.url);
    await untilVerdict(page, /^All is well/);
    await nats.kill();
    await untilVerdict(
      page,
      /^No feed from any region since \d\d:\d\d:\d\d: nothing is known of the calls\.$/,
      SHOWN_MS,
    );
    // Not withdrawn yet: it is the board that shows none of it.
    const { state, figures } = await rowOf(page, 'apac');
    expect(state).toMatch(/^no feed since \d\d:\d\d:\d\d$/);
    expect(new Set(figures)).toEqual(new Set(['–']));
    expect(await page.locator('#regions .server').count()).toBe(0);
    await eventually(async () => (await page.locator('#worst tbody tr:not(.empty)').count()) === 0);
    expect(new Set(await page.locator('#regions tfoot td.figure').allInnerTexts())).toEqual(new Set(['–', '']));
    await nats.restart();
    await untilVerdict(page, /^All is well/, SHOWN_MS);
    expect(complaints).toEqual([]);
  });

  it('says that the aggregator does not answer, of when its figures are, and goes on when it is back', async () => {
    const aggregator = await aggregatorUp();
    startCalls(['apac']);
    const { page } = await openBoard(aggregator.url);
    await untilVerdict(page, /^All is well/);
    await aggregator.kill();
    await untilVerdict(
      page,
      /^The aggregator does not answer\. The figures below are of \d\d:\d\d:\d\d and are not true of now\.$/,
    );
    expect(await page.locator('html').getAttribute('data-state')).toBe('stale');
    expect(
      await page.locator('#regions').evaluate((table) => getComputedStyle(table.closest('.figures') ?? table).opacity),
    ).toBe('0.45');
    expect(await page.title()).toBe('Unknown: no answer – edgepulse');
    await aggregator.restart();
    await untilVerdict(page, /^All is well/, SHOWN_MS);
    expect(await page.locator('html').getAttribute('data-state')).toBe('live');
  });

  it('shows ids as text, whatever they look like', async () => {
    const aggregator = await aggregatorUp();
    const { page, complaints } = await openBoard(aggregator.url);
    const id = '-.constructor.__proto__._'.padEnd(64, '.');
    await feeder.send({}, { meeting_id: id, session_id: id, participant_id: id, rtt: [0.4] });
    await eventually(async () => (await textOf(page.locator('#worst .id').first())) === id, {
      deadlineMs: ONE_POLL_MS,
    });
    expect(complaints).toEqual([]);
  });

  it('opens with METRICS_TOKEN as the password', async () => {
    const aggregator = await aggregatorUp({ METRICS_TOKEN: 'open-sesame' });
    startCalls(['apac']);
    const { page, complaints } = await openBoard(aggregator.url, { password: 'open-sesame' });
    await untilVerdict(page, /^All is well/);
    await eventually(async () => (await page.locator('#worst tbody tr:not(.empty)').count()) === 8);
    expect(complaints).toEqual([]);
  });

  it('fits a telephone, and is worked with the keyboard alone', async () => {
    const aggregator = await aggregatorUp();
    startCalls(['apac']);
    const { page } = await openBoard(aggregator.url, { width: 400 });
    await untilVerdict(page, /^All is well/);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(400);
    const servers = page.locator('#regions .server');
    expect(await servers.first().isVisible()).toBe(false);
    const toggle = page.getByRole('button', { name: 'apac' });
    await page.keyboard.press('Tab');
    expect(await toggle.evaluate((button) => button === document.activeElement)).toBe(true);
    await page.keyboard.press('Enter');
    expect(await servers.first().isVisible()).toBe(true);
    expect(await toggle.getAttribute('aria-expanded')).toBe('true');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('#worst-sort input:checked').getAttribute('value')).toBe('concealment');
  });

  it('moves nothing from one poll to the next', async () => {
    const aggregator = await aggregatorUp();
    const calls = startCalls(['eu-west', 'apac']);
    const { page } = await openBoard(aggregator.url);
    await untilVerdict(page, /^All is well/);
    await eventually(async () => (await page.locator('#worst tbody tr:not(.empty)').count()) === 10);
    const places = () =>
      page
        .locator('section.figures, #regions tr')
        .evaluateAll((parts) => parts.map((part) => Math.round(part.getBoundingClientRect().top)));
    const before = await places();
    calls.set('apac', INCIDENT);
    await untilVerdict(page, /^apac: /);
    expect(await places()).toEqual(before);
  });
});
