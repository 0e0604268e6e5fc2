/** The board with 100,000 sessions, and after an hour's worth of polls. */
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { Overview } from '../../aggregator/http/answers.ts';
import { it, keepScreenshot, SHOWN_MS, untilVerdict } from '../support/pages/board.ts';
import { eventually } from '../support/poll.ts';

const SESSIONS = 100_000;
const A_BATCH = 1_000;
const POLL_MS = 5_000;
const POLLS_AN_HOUR = 720;

/** What the document says of itself when the figures are painted, ms after its navigation began. */
async function measureFirstFigures(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const look = () => {
      const isShown = document.querySelector('#regions tbody') !== null;
      if (isShown) performance.mark('first-figures');
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

async function heapOf(page: Page): Promise<number> {
  const debug = await page.context().newCDPSession(page);
  // Twice: what the first collection finalizes is freed by the second.
  await debug.send('HeapProfiler.collectGarbage');
  await debug.send('HeapProfiler.collectGarbage');
  const { usedSize } = await debug.send('Runtime.getHeapUsage');
  await debug.detach();
  return usedSize;
}

describe('the board at scale', () => {
  it('shows figures of 100,000 sessions within a second of being opened', async ({ annotate, stage }) => {
    const aggregator = await stage.aggregatorUp({ SESSION_TTL_SECONDS: '600' });
    for (let from = 0; from < SESSIONS; from += A_BATCH) {
      const beacons = Array.from({ length: A_BATCH }, (_, i) => {
        const id = `s-${from + i}`;
        const meeting_id = `m-${Math.floor((from + i) / 10)}`;
        return { meeting_id, session_id: id, participant_id: id, rtt: [0.05 + (from + i) / 1e7] };
      });
      await stage.feeder.send({ region: from % 3_000 === 0 ? 'eu-west' : 'apac' }, ...beacons);
    }
    await eventually(
      async () =>
        ((await (await fetch(`${aggregator.url}/api/v1/overview`)).json()) as Overview).all.sessions === SESSIONS,
      { deadlineMs: 30_000, intervalMs: 200 },
    );
    const { page, complaints } = await stage.open(aggregator.url, { prepare: measureFirstFigures });
    await untilVerdict(page, /; 100\u202f000 people in 2 regions/, SHOWN_MS);
    const marks = await page.evaluate(() =>
      performance.getEntriesByName('first-figures').map(({ startTime }) => startTime),
    );
    await annotate(`first figures after ${Math.round(marks[0] ?? Number.NaN)} ms`);
    expect(marks[0]).toBeLessThan(1_000);
    await keepScreenshot(page, 'scale');
    expect(complaints).toEqual([]);
  });

  it('takes no more memory after an hour of polls', async ({ annotate, stage }) => {
    const aggregator = await stage.aggregatorUp();
    stage.startCalls(['eu-west', 'apac']);
    await eventually(async () => {
      const { all, history } = (await (await fetch(`${aggregator.url}/api/v1/overview`)).json()) as Overview;
      return all.sessions === 16 && history.times_ms.length > 0;
    });
    const answer = (await (await fetch(`${aggregator.url}/api/v1/overview`)).json()) as Overview;
    let polls = 0;
    const { page, complaints } = await stage.open(aggregator.url, {
      async prepare(opened) {
        await opened.clock.install();
        await opened.route('**/api/v1/overview*', (route) => route.fulfill({ json: nthAnswer(answer, polls++) }));
      },
    });
    let settled = 0;
    for (let poll = 1; poll <= POLLS_AN_HOUR; poll++) {
      await page.clock.runFor(POLL_MS);
      await eventually(() => polls > poll, { intervalMs: 2 });
      if (poll === POLLS_AN_HOUR / 6) settled = await heapOf(page);
    }
    const grown = (await heapOf(page)) - settled;
    await annotate(`heap ${(settled / 1e6).toFixed(1)} MB, and ${(grown / 1e3).toFixed(0)} kB more after an hour`);
    expect(grown).toBeLessThan(500_000);
    expect(await page.locator('.plot').first().getAttribute('aria-label')).toContain('p95 now 80 ms');
    expect(complaints).toEqual([]);
  });
});

/** The first has a whole history, each after it one step more, as the aggregator's do. */
function nthAnswer(answer: Overview, n: number): Overview {
  const { history } = answer;
  const steps = n === 0 ? 180 : 1;
  const firstMs = history.times_ms[0] ?? 0;
  const fromMs = n === 0 ? firstMs : firstMs + (179 + n) * POLL_MS;
  const columns = (series: Overview['history']['all']) =>
    Object.fromEntries(
      Object.entries(series).map(([column, values]) => [
        column,
        new Array(steps).fill(values.findLast((value) => value !== null) ?? null),
      ]),
    ) as unknown as typeof series;
  const regions = Object.entries(history.regions).map(([region, series]) => [region, columns(series)]);
  return {
    ...answer,
    history: {
      ...history,
      times_ms: Array.from({ length: steps }, (_, i) => fromMs + i * POLL_MS),
      all: columns(history.all),
      regions: Object.fromEntries(regions),
    },
  };
}
