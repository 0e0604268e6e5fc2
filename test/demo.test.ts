/** The demo's timetable in /metrics: its fleet's beacons, as they are on the wire, into a store whose clock is theirs. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createForwarders } from '../aggregator/ingest/forwarders.ts';
import { createIngest } from '../aggregator/ingest/ingest.ts';
import { createTestSessions, NOW } from '../aggregator/store/testing.ts';
import { createFleet, FLEET } from '../demo/fleet.ts';
import { encodeEntry, joinBatch } from '../shared/batch.ts';
import { OBJECTIVES } from '../shared/objectives.ts';
import { expose } from './support/metrics/expose.ts';
import { parseScrape, type Scrape } from './support/metrics/scrape.ts';

const SEED = 20_261_123;

/** Seconds after the start: before the first episode, and well into each, when all beacons of before are replaced. */
const MOMENTS = { quiet: 28, incident: 80, server: 130, uplink: 175 } as const;
const SERVERS = FLEET.regions.flatMap((region) =>
  ['https', 'wss'].map((scheme) => `${scheme}://media-${region}-1.example.com`),
);

let scrapes: { [Name in keyof typeof MOMENTS]: Scrape };

beforeAll(() => {
  scrapes = play();
});

function play(): typeof scrapes {
  const sessions = createTestSessions({ regions: FLEET.regions, servers: SERVERS });
  const forwarders = createForwarders({
    regions: FLEET.regions,
    shard: { index: 0, count: 1 },
    topology: 'ours',
    totalsOf: (region) => sessions.totals(region).edge,
    onTopology() {},
  });
  const ingest = createIngest(sessions, forwarders);
  const fleet = createFleet({ seed: SEED, startMs: NOW });
  const scrapeAt = new Map(Object.entries(MOMENTS).map(([name, seconds]) => [NOW + seconds * 1000, name]));
  const taken: Record<string, Scrape> = {};
  let accepted = 0;
  for (let nowMs = NOW; nowMs <= Math.max(...scrapeAt.keys()); nowMs += 100) {
    for (const { region, beacon, atMs } of fleet.advance(nowMs)) {
      const entry = encodeEntry({ receivedAtMs: Math.floor(atMs), colo: '', beacon });
      const batch = { slot: 0, epoch: region, accepted: ++accepted, sentAtMs: nowMs };
      ingest(`health.diagnostics.${region}.edge.f00`, joinBatch(batch, [entry]), { storedAtMs: nowMs, nowMs });
    }
    sessions.expire(nowMs);
    const name = scrapeAt.get(nowMs);
    if (name !== undefined) {
      const options = { nowMs, collect: new Set(['population', 'sessions', 'process'] as const), openMetrics: false };
      taken[name] = parseScrape([...expose(sessions, options)].join(''));
    }
  }
  return taken as typeof scrapes;
}

/** How many of those that a live family counts are past its objective. */
function over(scrape: Scrape, figure: keyof typeof OBJECTIVES, labels: Record<string, string> = {}): number {
  const unit = { rtt: '_seconds', expand: '_operations_per_second' }[figure as string] ?? '_ratio';
  const family = `edgepulse_live_${figure}${unit}`;
  const { bad } = OBJECTIVES[figure];
  return scrape.sum(`${family}_count`, labels) - scrape.sum(`${family}_bucket`, { ...labels, le: `${bad}` });
}

function sum(scrape: Scrape, name: string, labels: Record<string, string> = {}): number {
  return scrape.sum(`edgepulse_${name}`, labels);
}

describe('the demo in /metrics', () => {
  it('has nothing that is lost, late, repeated or invalid', () => {
    for (const scrape of Object.values(scrapes)) {
      for (const outcome of ['duplicate', 'late', 'invalid']) expect(sum(scrape, 'beacons_total', { outcome })).toBe(0);
      expect(sum(scrape, 'beacons_lost_total')).toBe(0);
      expect(sum(scrape, 'sessions')).toBeGreaterThanOrEqual(60);
    }
  });

  it('shows nobody who is badly off when nothing happens, though half of the people are muted', () => {
    for (const figure of Object.keys(OBJECTIVES) as (keyof typeof OBJECTIVES)[]) {
      expect(over(scrapes.quiet, figure), figure).toBe(0);
    }
  });

  it('shows the incident as everybody in one region', () => {
    const region = { region: 'apac' };
    const people = sum(scrapes.incident, 'sessions', region);
    expect(over(scrapes.incident, 'rtt', region)).toBe(people);
    expect(over(scrapes.incident, 'rtt')).toBe(people);
    for (const figure of ['expand', 'concealment', 'video_freeze'] as const) {
      expect(over(scrapes.incident, figure, region), figure).toBeGreaterThan(10);
    }
  });

  it('shows one person behind a bad network', () => {
    const region = { region: 'eu-west' };
    for (const figure of ['audio_packet_loss', 'video_packet_loss', 'video_freeze'] as const) {
      expect(over(scrapes.incident, figure, region), figure).toBeGreaterThan(1);
      expect(over(scrapes.incident, figure, region), figure).toBeLessThan(FLEET.most);
    }
  });

  it('shows an overloaded server as everything that its people receive', () => {
    const region = { region: 'us-east', server_type: 'webrtc' };
    const streams = sum(scrapes.server, 'live_audio_packet_loss_ratio_count', region);
    expect(streams).toBeGreaterThan(30);
    expect(over(scrapes.server, 'audio_packet_loss', region)).toBe(streams);
    expect(over(scrapes.server, 'audio_packet_loss', { region: 'apac' })).toBe(0);
  });

  it('shows a bad uplink at those who receive that person', () => {
    const streams = over(scrapes.uplink, 'audio_packet_loss') + over(scrapes.uplink, 'expand');
    expect(streams).toBeGreaterThanOrEqual(FLEET.least - 1);
    expect(streams).toBeLessThan(2 * FLEET.most);
  });
});
