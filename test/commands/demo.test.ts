/** The demo's timetable in /metrics: the fleet's beacons, encoded as on the wire, in a store that runs on their clock. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createForwarders } from '../../aggregator/ingest/forwarders.ts';
import { createIngest } from '../../aggregator/ingest/ingest.ts';
import { createTestSessions, NOW } from '../../aggregator/store/testing.ts';
import { createFleet, FLEET } from '../../demo/fleet.ts';
import { encodeEntry, joinBatch } from '../../shared/batch.ts';
import { OBJECTIVES } from '../../shared/objectives.ts';
import { expose } from '../support/metrics/expose.ts';
import { parseScrape, type Scrape } from '../support/metrics/scrape.ts';

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

/** How many of a live family's contributions are past its objective. */
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
  it('has nothing that is lost, late, repeated, invalid or implausible', () => {
    for (const scrape of Object.values(scrapes)) {
      for (const outcome of ['duplicate', 'late', 'invalid']) expect(sum(scrape, 'beacons_total', { outcome })).toBe(0);
      expect(sum(scrape, 'beacons_lost_total')).toBe(0);
      expect(sum(scrape, 'implausible_total')).toBe(0);
      expect(sum(scrape, 'sessions')).toBeGreaterThanOrEqual(60);
    }
  });

  it('shows nobody impaired when nothing happens, though half of the people are muted', () => {
    for (const figure of Object.keys(OBJECTIVES) as (keyof typeof OBJECTIVES)[]) {
      expect(over(scrapes.quiet, figure), figure).toBe(0);
    }
    expect(sum(scrapes.quiet, 'impaired_sessions')).toBe(0);
    expect(sum(scrapes.quiet, 'impaired_streams')).toBe(0);
    expect(sum(scrapes.quiet, 'silent_streams')).toBe(0);
  });

  it('shows the incident as everybody in one region', () => {
    const region = { region: 'apac' };
    const people = sum(scrapes.incident, 'sessions', region);
    expect(over(scrapes.incident, 'rtt', region)).toBe(people);
    expect(over(scrapes.incident, 'rtt')).toBe(people);
    for (const figure of ['expand', 'concealment', 'video_freeze'] as const) {
      expect(over(scrapes.incident, figure, region), figure).toBeGreaterThan(10);
    }
    expect(sum(scrapes.incident, 'impaired_sessions', { ...region, cause: 'any' })).toBe(people);
    expect(sum(scrapes.incident, 'impaired_streams', { ...region, side: 'server' })).toBeGreaterThan(10);
  });

  it('shows one person with a bad downlink as one person', () => {
    const region = { region: 'eu-west' };
    expect(over(scrapes.incident, 'audio_packet_loss', region)).toBeGreaterThan(3);
    expect(sum(scrapes.incident, 'impaired_sessions', { ...region, cause: 'any' })).toBe(1);
    const streams = sum(scrapes.incident, 'impaired_streams', region);
    expect(streams).toBeGreaterThan(3);
    expect(sum(scrapes.incident, 'impaired_streams', { ...region, side: 'receiver' })).toBe(streams);
  });

  it('shows an overloaded server as everybody on it, and as its fault', () => {
    const region = { region: 'us-east', server_type: 'webrtc' };
    const people = sum(scrapes.server, 'sessions', region);
    expect(sum(scrapes.server, 'impaired_sessions', { ...region, cause: 'audio' })).toBe(people);
    const streams = sum(scrapes.server, 'impaired_streams', region);
    expect(sum(scrapes.server, 'impaired_streams', { ...region, side: 'server' })).toBe(streams);
    expect(over(scrapes.server, 'audio_packet_loss', region)).toBe(streams);
    expect(over(scrapes.server, 'audio_packet_loss', { region: 'apac' })).toBe(0);
  });

  it('shows a bad uplink as the fault of its publisher', () => {
    const receivers = sum(scrapes.uplink, 'impaired_sessions', { cause: 'audio' });
    expect(receivers).toBeGreaterThanOrEqual(FLEET.least - 1);
    // The streams of the person whose packets carry silence are the publisher's fault too, where that can be told.
    const silent = sum(scrapes.uplink, 'silent_streams');
    expect(sum(scrapes.uplink, 'impaired_streams')).toBe(receivers + silent);
    expect(sum(scrapes.uplink, 'impaired_streams', { side: 'publisher' })).toBe(receivers + silent);
    const uplinks = 'live_uplink_packet_loss_ratio';
    expect(sum(scrapes.uplink, `${uplinks}_count`) - sum(scrapes.uplink, `${uplinks}_bucket`, { le: '0.1' })).toBe(1);
    expect(sum(scrapes.uplink, 'video_senders', { quality_limitation_reason: 'bandwidth' })).toBe(1);
  });

  it('shows people whom nobody hears at those who receive them, and not as loss', () => {
    const noPackets = sum(scrapes.server, 'silent_streams', { cause: 'no_packets' });
    expect(noPackets).toBeGreaterThanOrEqual(FLEET.least - 1);
    expect(sum(scrapes.server, 'silent_streams')).toBe(noPackets);
    const noEnergy = sum(scrapes.uplink, 'silent_streams', { cause: 'no_energy' });
    expect(noEnergy).toBeGreaterThan(1);
    expect(sum(scrapes.uplink, 'silent_streams')).toBe(noEnergy);
    expect(sum(scrapes.uplink, 'impaired_sessions', { cause: 'silence' })).toBe(noEnergy);
  });

  it('shows joins that fail in one region for a while, and occasionally elsewhere', () => {
    const ice = { region: 'us-east', result: 'ice' };
    const before = sum(scrapes.quiet, 'joins_total', ice);
    const after = sum(scrapes.incident, 'joins_total', ice);
    expect(after - before).toBeGreaterThan(5);
    expect(sum(scrapes.uplink, 'joins_total', ice) - after).toBeLessThan(4);
    const ok = sum(scrapes.uplink, 'joins_total', { result: 'ok' });
    expect(ok).toBeGreaterThanOrEqual(FLEET.meetings * FLEET.first);
    expect(sum(scrapes.uplink, 'join_seconds_count')).toBe(ok);
    expect(sum(scrapes.uplink, 'first_media_seconds_count', { kind: 'audio' })).toBeLessThan(ok);
    // A session that failed to join never was in a call.
    expect(sum(scrapes.incident, 'sessions')).toBeLessThan(FLEET.meetings * FLEET.most);
  });

  it('shows relays, clients, cameras, and connections that restart', () => {
    const people = sum(scrapes.uplink, 'sessions');
    expect(sum(scrapes.uplink, 'sessions_by_client')).toBe(people);
    expect(sum(scrapes.uplink, 'sessions_by_path', { candidate_type: 'relay' })).toBeGreaterThan(0);
    expect(sum(scrapes.uplink, 'sessions_by_path')).toBe(sum(scrapes.uplink, 'sessions', { server_type: 'webrtc' }));
    expect(sum(scrapes.uplink, 'video_senders')).toBeGreaterThan(10);
    expect(sum(scrapes.uplink, 'ice_restarts_total')).toBeGreaterThan(0);
    expect(sum(scrapes.uplink, 'connection_failures_total')).toBeGreaterThan(0);
  });
});
