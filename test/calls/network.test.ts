/**
 * A call over a bad network: what /metrics shows of it, compared with what the network really did. A packet that was
 * overtaken counts as lost until it arrives, so losses are compared over many beacons.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Scrape } from '../support/metrics/scrape.ts';
import { createLossyPath, type Impairment } from '../support/network/lossy-path.ts';
import { connectCall, openReporting, type Reporting } from '../support/pages/reporting-page.ts';
import { eventually } from '../support/poll.ts';
import { type Chromium, type PageServer, startChromium, startPageServer } from '../support/processes/chromium.ts';
import { type System, startSystem } from '../support/processes/system.ts';

/** `tc qdisc add dev eth0 root netem delay 150ms 40ms loss 3%`, in both directions. */
const BAD: Impairment = { delayMs: 150, jitterMs: 40, lossRatio: 0.03 };
const GOOD: Impairment = { delayMs: 0, jitterMs: 0, lossRatio: 0 };
/** Chromium's payload type of Opus. */
const OPUS = 111;
/** About 40 s of both directions, or 20 beacons. */
const PACKETS = 4_000;

let pages: PageServer;
let system: System;
let chromium: Chromium;
beforeAll(async () => {
  pages = await startPageServer();
  system = await startSystem({ ttlSeconds: 12, workerVars: { ALLOWED_ORIGINS: pages.origin } });
  chromium = await startChromium();
});
afterAll(async () => {
  await chromium?.stop();
  await system?.stop();
  await pages?.stop();
});

function open(session: string): Promise<Reporting> {
  return openReporting({ chromium, origin: pages.origin, endpoint: system.worker.url, session });
}

/** Of one figure of both directions; undefined while one of them has none. */
function bothOf(scrape: Scrape, figure: string): readonly [number, number] | undefined {
  const [one, other] = scrape.all(`edgepulse_peer_${figure}`).map(({ value }) => value);
  return one === undefined || other === undefined ? undefined : [one, other];
}

/** The mean of all RTT samples between two scrapes. */
function meanRtt(before: Scrape, after: Scrape): number {
  const rise = (part: string) =>
    after.sum(`edgepulse_rtt_seconds_${part}`) - before.sum(`edgepulse_rtt_seconds_${part}`);
  return rise('sum') / rise('count');
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('a call over 150 ms each way with 40 ms of jitter, which reorders packets, and 3 % of loss', () => {
  it('shows the true RTT and loss, and concealment until the network is well again', { timeout: 180_000 }, async () => {
    const path = createLossyPath(Math.random);
    onTestFinished(path.stop);
    path.impair(BAD);
    const [ana, bo] = await Promise.all([open('network-ana'), open('network-bo')]);
    await connectCall(ana, bo, { carry: path.carry });
    const before = await eventually(
      async () => {
        const scrape = await system.aggregator.metrics();
        return bothOf(scrape, 'audio_packet_loss_ratio') && scrape;
      },
      { deadlineMs: 30_000 },
    );

    path.impair(BAD);
    const losses: number[] = [];
    const concealments: number[] = [];
    const after = await eventually(
      async () => {
        const scrape = await system.aggregator.metrics();
        losses.push(...(bothOf(scrape, 'audio_packet_loss_ratio') ?? []));
        concealments.push(...(bothOf(scrape, 'concealment_ratio') ?? []));
        return path.truth().rtp(OPUS).packets >= PACKETS && scrape;
      },
      { deadlineMs: 120_000, intervalMs: 500 },
    );
    const { roundTripSeconds, rtp } = path.truth();
    const { lossRatio } = rtp(OPUS);
    expect(roundTripSeconds).toBeGreaterThan(0.29);
    expect(lossRatio).toBeGreaterThan(0.02);
    expect(Math.abs(meanRtt(before, after) / roundTripSeconds - 1)).toBeLessThan(0.1);
    expect(Math.abs(mean(losses) - lossRatio)).toBeLessThan(0.01);
    expect(mean(concealments)).toBeGreaterThan(0);

    path.impair(GOOD);
    await eventually(
      async () => {
        const scrape = await system.aggregator.metrics();
        expect(bothOf(scrape, 'concealment_ratio')).toEqual([0, 0]);
        expect(bothOf(scrape, 'audio_packet_loss_ratio')).toEqual([0, 0]);
        expect(Math.max(...scrape.all('edgepulse_session_rtt_seconds').map(({ value }) => value))).toBeLessThan(0.1);
        return true;
      },
      { deadlineMs: 60_000, intervalMs: 500 },
    );
    expect([ana.errors(), bo.errors()]).toEqual([[], []]);
  });
});
