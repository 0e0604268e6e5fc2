/**
 * From the POST of a new session's first beacon to its being visible in /metrics, through the real
 * worker, NATS and aggregator. `npm run bench -- freshness [samples]`
 */
import { validBeacon } from '../test/support/edge/beacon.ts';
import { testToken } from '../test/support/edge/tokens.ts';
import { postBeacon, type System, startSystem } from '../test/support/processes/system.ts';
import { count, milliseconds, printFigures } from './support/figures.ts';

const TARGET_MS = 300;
const WARM_UP = 20;

export async function run([samples = '300']: string[]): Promise<void> {
  const system = await startSystem({ ttlSeconds: 30 });
  try {
    while ((await fetch(`${system.aggregator.url}/readyz`)).status !== 200);
    const took: number[] = [];
    for (let i = 0; i < WARM_UP + Number(samples); i++) {
      const ms = await timeVisible(system, `s-${i}`);
      if (i >= WARM_UP) took.push(ms);
    }
    took.sort((a, b) => a - b);
    const p99 = nearestRank(took, 0.99);
    printFigures('freshness, POST to visible in /metrics', [
      { what: 'samples', value: count(took.length) },
      { what: 'p50', value: milliseconds(nearestRank(took, 0.5)) },
      { what: 'p95', value: milliseconds(nearestRank(took, 0.95)) },
      { what: 'p99', value: milliseconds(p99), target: { text: `under ${TARGET_MS} ms`, met: p99 < TARGET_MS } },
    ]);
  } finally {
    await system.stop();
  }
}

/** Scrapes as fast as it can until the session is there, so that the last scrape is part of the figure. */
async function timeVisible({ worker, aggregator }: System, session_id: string): Promise<number> {
  const meeting_id = 'm-freshness';
  // Minted before the clock starts: that is the product's backend's work, and done once a session.
  const token = await testToken({ meeting: meeting_id, session: session_id });
  const from = performance.now();
  const posted = await postBeacon(worker, validBeacon({ meeting_id, session_id }), { token });
  if (posted.status !== 204) throw new Error(`the beacon was answered ${posted.status}`);
  for (;;) {
    const text = await (await fetch(`${aggregator.url}/metrics?collect[]=sessions`)).text();
    if (text.includes(`session_id="${session_id}"`)) return performance.now() - from;
    if (performance.now() - from > 10_000) throw new Error('not visible within 10 s');
  }
}

function nearestRank(sorted: readonly number[], quantile: number): number {
  return sorted[Math.max(1, Math.ceil(quantile * sorted.length)) - 1] ?? Number.NaN;
}
