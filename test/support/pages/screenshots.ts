/**
 * `npm run screenshots -- URL [NAME...]`: takes the pictures of the board that the documents have, or those that are named, of
 * a demo (`npm run demo`) that has been running for a quarter of an hour at that URL. Waits for its next incident, which comes
 * every two and a half minutes.
 */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { eventually } from '../poll.ts';
import { launchChromium } from '../processes/chromium.ts';

const DOCS = join(import.meta.dirname, '..', '..', '..', 'docs');
/** Until the incident is at its height, or a fault comes round again. */
const DEADLINE_MS = 200_000;

type Shot = {
  readonly name: string;
  readonly search?: string;
  readonly width: number;
  readonly height: number;
  readonly colorScheme?: 'light' | 'dark';
  /** What the page must say before the picture is taken. */
  readonly when: { readonly of: string; readonly says: RegExp };
};

const INCIDENT = { of: '#verdict-text', says: /^apac: RTT p95 3\d\d ms .*network, and audio suffers/ };

const SHOTS: readonly Shot[] = [
  { name: 'board', width: 1440, height: 1100, colorScheme: 'dark', when: INCIDENT },
  { name: 'board-phone', width: 400, height: 860, when: INCIDENT },
  {
    name: 'board-lookup',
    search: '?meeting=demo-02',
    width: 1280,
    height: 660,
    when: { of: '#lookup .sentence', says: /own downlink/ },
  },
];

async function take(browser: Browser, url: string, shot: Shot): Promise<void> {
  const { name, search = '', width, height, colorScheme = 'light', when } = shot;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const page = await context.newPage();
  await page.goto(new URL(search, url).href);
  await untilSaid(page, when);
  const path = join(DOCS, `${name}.png`);
  await page.screenshot({ path });
  process.stdout.write(`${path}\n`);
  await context.close();
}

function untilSaid(page: Page, { of, says }: Shot['when']): Promise<true> {
  return eventually(async () => says.test((await page.locator(of).textContent()) ?? '') || undefined, {
    deadlineMs: DEADLINE_MS,
    intervalMs: 200,
  });
}

const [url, ...names] = process.argv.slice(2);
const shots = names.length === 0 ? SHOTS : SHOTS.filter(({ name }) => names.includes(name));
if (!url || !URL.canParse(url)) {
  process.stderr.write(
    'usage: npm run screenshots -- URL [NAME...], the board of a demo that has been running for 15 minutes\n',
  );
  process.exitCode = 2;
} else {
  const browser = await launchChromium();
  try {
    await Promise.all(shots.map((shot) => take(browser, url, shot)));
  } finally {
    await browser.close();
  }
}
