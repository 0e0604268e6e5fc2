import { readFile } from 'node:fs/promises';
import { parse as parseToml } from 'smol-toml';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Beacon, decodeBeacon } from '../shared/beacon.ts';
import { serverLabeler } from '../shared/servers.ts';
import { createFleet, FLEET, type Posting } from './fleet.ts';
import { INCIDENT, isIncident } from './incident.ts';

const START_MS = 1_800_000_000_000;
const SIX_MINUTES_MS = 360_000;

type Sent = Posting & { readonly atMs: number };

/** Six minutes of the fleet in steps of the demo's clock: three incidents begin, two end. */
function play(seed: number): { sent: Sent[]; sizes: number[] } {
  const fleet = createFleet({ seed, startMs: START_MS });
  const sent: Sent[] = [];
  const sizes = [fleet.size()];
  for (let atMs = START_MS; atMs < START_MS + SIX_MINUTES_MS; atMs += 50) {
    for (const posting of fleet.advance(atMs)) sent.push({ ...posting, atMs });
    sizes.push(fleet.size());
  }
  return { sent, sizes };
}

let sent: Sent[];
let sizes: number[];
let sessions: Map<string, Sent[]>;

beforeAll(() => {
  ({ sent, sizes } = play(7));
  sessions = Map.groupBy(sent, ({ beacon }) => beacon.session_id);
});

/** Consecutive beacons of each session. */
function* steps(): Generator<{ before: Sent; after: Sent }> {
  for (const beacons of sessions.values()) {
    for (let i = 1; i < beacons.length; i++) {
      const [before, after] = [beacons[i - 1], beacons[i]];
      if (before && after) yield { before, after };
    }
  }
}

describe('the fleet', () => {
  it('is the same for the same seed and another for another', () => {
    expect(play(7).sent).toEqual(sent);
    expect(play(8).sent).not.toEqual(sent);
  });

  it('always has at least 60 people, in twelve meetings and three regions', () => {
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(60);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(FLEET.meetings * FLEET.most);
    expect(new Set(sent.map(({ beacon }) => beacon.meeting_id)).size).toBe(12);
    expect(new Set(sent.map(({ region }) => region))).toEqual(new Set(['us-east', 'eu-west', 'apac']));
  });

  it('sends what the decoder accepts, unchanged', () => {
    for (const { beacon } of sent) expect(decodeBeacon(beacon)).toEqual({ ok: true, value: beacon });
  });

  it('numbers the beacons of a session without a gap and sends one every 5 s', () => {
    let compared = 0;
    for (const { before, after } of steps()) {
      compared++;
      expect(after.beacon.seq).toBe(before.beacon.seq + 1);
      if (!after.beacon.leaving) expect(Math.abs(after.atMs - before.atMs - 5_000)).toBeLessThanOrEqual(50);
    }
    expect(compared).toBeGreaterThan(1_000);
  });

  it('staggers its beacons', () => {
    const perSecond = Map.groupBy(sent, ({ atMs }) => Math.floor((atMs - START_MS) / 1000));
    const most = Math.max(...[...perSecond.values()].map((second) => second.length));
    expect(most).toBeLessThan(40);
  });

  it('has people who join, who leave with a farewell, and who vanish', () => {
    const endMs = START_MS + SIX_MINUTES_MS;
    const last = [...sessions.values()].map((beacons) => beacons.at(-1) as Sent);
    const joined = [...sessions.values()].filter(([first]) => first && first.atMs > START_MS + 6_000);
    const left = last.filter(({ beacon }) => beacon.leaving);
    const vanished = last.filter(({ atMs, beacon }) => !beacon.leaving && atMs < endMs - 6_000);
    expect(joined.length).toBeGreaterThan(10);
    expect(left.length).toBeGreaterThan(10);
    expect(vanished.length).toBeGreaterThan(5);
  });

  it('names servers that wrangler.toml lists', async () => {
    const { vars } = parseToml(await readFile(`${import.meta.dirname}/../wrangler.toml`, 'utf8'));
    const label = serverLabeler((vars as { SERVERS: string[] }).SERVERS);
    for (const { beacon } of sent) expect(label(beacon.server?.url ?? '')).toBe(beacon.server?.url);
  });
});

describe('its figures', () => {
  it('grow: no W3C counter of a stream that goes on ever falls', () => {
    let compared = 0;
    for (const { before, after } of steps()) {
      for (const peer of after.beacon.peers) {
        const earlier = before.beacon.peers.find(({ peer_id }) => peer_id === peer.peer_id);
        if (!earlier?.audio || !peer.audio) continue;
        const { jitter: _, ...counters } = peer.audio;
        for (const [name, value] of Object.entries(counters)) {
          compared++;
          expect(value, name).toBeGreaterThanOrEqual(earlier.audio[name as keyof typeof earlier.audio] as number);
        }
      }
    }
    expect(compared).toBeGreaterThan(1_000);
  });

  it('hang together in W3C counters', () => {
    const audios = peersOf(sent).flatMap(({ audio }) => audio ?? []);
    expect(audios.length).toBeGreaterThan(1_000);
    for (const audio of audios) {
      const { totalSamplesReceived = 0, concealedSamples = 0, silentConcealedSamples = 0 } = audio;
      expect(audio.jitterBufferEmittedCount).toBe(totalSamplesReceived - concealedSamples);
      expect(silentConcealedSamples).toBeLessThanOrEqual(concealedSamples);
      const seconds = totalSamplesReceived / 48_000;
      const packets = (audio.packetsReceived ?? 0) + (audio.packetsLost ?? 0);
      // Each interval rounds to whole packets.
      expect(Math.abs(packets - 50 * seconds)).toBeLessThanOrEqual(1 + seconds / 2);
    }
  });

  it('hang together in NetEQ rates: a hundred decisions a second', () => {
    const rates = peersOf(sent).flatMap(({ neteq }) => neteq?.operations_per_second ?? []);
    expect(rates.length).toBeGreaterThan(100);
    for (const operations of rates) {
      expect(Object.values(operations).reduce((sum, rate) => sum + rate, 0)).toBeCloseTo(100, 2);
    }
  });
});

describe('the incident', () => {
  it.each([
    { afterMs: 0, is: false },
    { afterMs: 29_999, is: false },
    { afterMs: 30_000, is: true },
    { afterMs: 89_999, is: true },
    { afterMs: 90_000, is: false },
    { afterMs: 179_999, is: false },
    { afterMs: 180_000, is: true },
  ])('is $is at $afterMs ms', ({ afterMs, is }) => {
    expect(isIncident(afterMs)).toBe(is);
  });

  it('raises the RTT of its region to 280-320 ms and of no other', () => {
    let hits = 0;
    for (const { region, beacon, atMs } of sent) {
      const hit = region === INCIDENT.region && isIncident(atMs - START_MS);
      for (const seconds of beacon.rtt ?? []) {
        if (hit) hits++;
        if (hit) expect(seconds >= 0.28 && seconds <= 0.32).toBe(true);
        else expect(seconds).toBeLessThan(0.15);
      }
    }
    expect(hits).toBeGreaterThan(100);
  });

  it('makes NetEQ expand 15-25 times a second, in rates and in counters', () => {
    const during = sent.filter(({ region, atMs }) => region === INCIDENT.region && isIncident(atMs - START_MS));
    const rates = peersOf(during).flatMap(({ neteq }) => neteq?.operations_per_second?.expand ?? []);
    expect(rates.length).toBeGreaterThan(20);
    for (const rate of rates) expect(rate >= 15 && rate <= 25).toBe(true);
    const counted = [...steps()]
      .filter(({ before, after }) => during.includes(after) && isIncident(before.atMs - START_MS))
      .flatMap(({ before, after }) => expandsOf(before.beacon, after.beacon));
    expect(counted.length).toBeGreaterThan(20);
    for (const rate of counted) expect(rate >= 14.9 && rate <= 25.1).toBe(true);
  });
});

function peersOf(postings: readonly Sent[]) {
  return postings.flatMap(({ beacon }) => beacon.peers);
}

/** As the aggregator reads W3C counters: 100 x concealed over received. */
function expandsOf(before: Beacon, after: Beacon): number[] {
  return after.peers.flatMap((peer) => {
    const earlier = before.peers.find(({ peer_id }) => peer_id === peer.peer_id)?.audio;
    if (!earlier || !peer.audio) return [];
    const received = (peer.audio.totalSamplesReceived ?? 0) - (earlier.totalSamplesReceived ?? 0);
    const concealed = (peer.audio.concealedSamples ?? 0) - (earlier.concealedSamples ?? 0);
    return received > 0 ? [(100 * concealed) / received] : [];
  });
}
