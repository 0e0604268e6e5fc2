/** What a test of the board stands on: nats-server, an aggregator, calls that fare as the test says, and the page in Chromium. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { test } from 'vitest';
import type { Beacon } from '../../../shared/beacon.ts';
import { type Feeder, startFeeder } from '../edge/feeder.ts';
import { eventually } from '../poll.ts';
import { type AggregatorProcess, startAggregator } from '../processes/aggregator.ts';
import { launchChromium } from '../processes/chromium.ts';
import { type NatsServer, startNatsServer } from '../processes/nats-server.ts';

export const TTL_SECONDS = 6;
/** The page asks every 5 s; the rest is for the way from NATS to the screen of a busy machine. */
export const ONE_POLL_MS = 10_000;
/** To begin with, or after a fault: a dead connection is detected within 10 s, and shown with the next poll. */
export const SHOWN_MS = 25_000;

/** Ignored by git; CI keeps it. */
const SCREENSHOTS = join(import.meta.dirname, '..', '..', '..', '.edgepulse', 'screenshots');

export type Conditions = { readonly rtt: number; readonly expand: number };

export const FINE: Conditions = { rtt: 0.08, expand: 0.4 };
export const INCIDENT: Conditions = { rtt: 0.31, expand: 20 };

export type Calls = {
  /** From now on the region's sessions fare like this. */
  set(region: string, conditions: Conditions): void;
  stop(): void;
};

export type PageOptions = {
  readonly password?: string;
  readonly width?: number;
  readonly colorScheme?: 'light' | 'dark';
  /** Done before the page is opened: to fake its clock or its answers. */
  readonly prepare?: (page: Page) => Promise<void>;
};

export type OpenBoard = {
  readonly page: Page;
  /** What the page did that no page should: errors on its console, uncaught ones, and violations of its CSP. */
  readonly complaints: readonly string[];
};

export type BoardStage = {
  readonly nats: NatsServer;
  readonly feeder: Feeder;
  aggregatorUp(env?: Readonly<Record<string, string>>): Promise<AggregatorProcess>;
  /** Eight sessions in two meetings of each region, which say how they fare five times a second. */
  startCalls(regions: readonly string[]): Calls;
  /** Sends these beacons again and again, each time with the next `seq`. */
  repeat(region: string, beacons: (seq: number) => readonly Partial<Beacon>[]): Pick<Calls, 'stop'>;
  open(url: string, options?: PageOptions): Promise<OpenBoard>;
  /** Closes and stops all of it, the newest first. */
  end(): Promise<void>;
};

/** A test of the board: a stage of its own, and one browser for the file. */
export const it = test
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the names of what a fixture needs from its source.
  .extend('browser', { scope: 'file' }, async ({}, { onCleanup }) => {
    const browser = await launchChromium();
    onCleanup(() => browser.close());
    return browser;
  })
  .extend('stage', async ({ browser }, { onCleanup }) => {
    const stage = await startBoardStage(browser);
    onCleanup(() => stage.end());
    return stage;
  });

async function startBoardStage(browser: Browser): Promise<BoardStage> {
  const ends: (() => Promise<unknown> | unknown)[] = [];
  const nats = await startNatsServer();
  ends.push(() => nats.stop());
  const feeder = await startFeeder(nats.url);
  ends.push(() => feeder.close());

  function repeat(region: string, beacons: (seq: number) => readonly Partial<Beacon>[]): Pick<Calls, 'stop'> {
    let seq = 0;
    // What is lost to a dead server is what the tests that kill it are about.
    const beat = () => void feeder.send({ region }, ...beacons(seq++)).catch(() => undefined);
    beat();
    const timer = setInterval(beat, 200);
    const stop = () => clearInterval(timer);
    ends.push(stop);
    return { stop };
  }

  return {
    nats,
    feeder,
    repeat,
    async aggregatorUp(env = {}) {
      const settings = { REGION: 'us-east,eu-west,apac', SESSION_TTL_SECONDS: `${TTL_SECONDS}` };
      const aggregator = await startAggregator({ natsUrl: nats.url, env: { ...settings, ...env } });
      ends.push(() => aggregator.stop());
      return aggregator;
    },
    startCalls(regions) {
      const conditions = new Map(regions.map((region) => [region, FINE]));
      const calls = regions.map((region) =>
        repeat(region, (seq) => eightSessions(region, conditions.get(region) ?? FINE, seq)),
      );
      return {
        set: (region, now) => void conditions.set(region, now),
        stop() {
          for (const call of calls) call.stop();
        },
      };
    },
    async open(url, { password, width = 1280, colorScheme = 'light', prepare } = {}) {
      const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme,
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
      await prepare?.(page);
      await page.goto(url);
      return { page, complaints };
    },
    async end() {
      for (const end of ends.splice(0).reverse()) await end();
    },
  };
}

function eightSessions(region: string, { rtt, expand }: Conditions, seq: number): Partial<Beacon>[] {
  return Array.from({ length: 8 }, (_, i) => {
    const id = `${region}-${i}`;
    const peers = [{ peer_id: 'other', neteq: { buffer: 0.08, operations_per_second: { expand } } }];
    return { meeting_id: `m-${region}-${i % 2}`, session_id: id, participant_id: id, seq, rtt: [rtt], peers };
  });
}

export const textOf = async (locator: Locator) => (await locator.textContent()) ?? '';

export async function untilVerdict(page: Page, expected: RegExp, deadlineMs = SHOWN_MS): Promise<string> {
  return untilText(page.locator('#verdict-text'), expected, deadlineMs);
}

export async function untilText(locator: Locator, expected: RegExp, deadlineMs = ONE_POLL_MS): Promise<string> {
  return eventually(
    async () => {
      const text = await textOf(locator);
      if (!expected.test(text)) throw new Error(`the page says: ${text}`);
      return text;
    },
    { deadlineMs },
  );
}

/** The texts of a region's own row: its state, then its figures from left to right. */
export async function rowOf(page: Page, region: string): Promise<{ state: string; figures: string[] }> {
  const row = page
    .locator('#regions tbody')
    .filter({ has: page.getByRole('button', { name: region, exact: true }) })
    .locator('tr')
    .first();
  return { state: await textOf(row.locator('.state')), figures: await row.locator('td.figure').allInnerTexts() };
}

/** Keeps what the page looks like, as a picture for people: `NAME-WIDTH.png` of a folder that git ignores. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  await mkdir(SCREENSHOTS, { recursive: true });
  const width = page.viewportSize()?.width ?? 0;
  await page.screenshot({ path: join(SCREENSHOTS, `${name}-${width}.png`), fullPage: true });
}
