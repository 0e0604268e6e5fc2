/** Laws of the store: whatever comes in whatever order, what is shown equals a recount of who lives. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../shared/batch.ts';
import type { Beacon, Peer } from '../../shared/beacon.ts';
import { fullPeer, validEntry } from '../../test/support/edge/beacon.ts';
import { expose } from '../../test/support/metrics/expose.ts';
import { parseMetrics } from '../../test/support/metrics/exposition-text.ts';
import { COMBINATIONS, createBreakdown, NO_STANDING } from '../live/breakdown.ts';
import { MEASURE, MEASURES, QUANTILES } from '../live/measures.ts';
import type { Cell } from '../live/population.ts';
import type { Collect } from '../metrics/exposition.ts';
import { seriesBound } from '../metrics/series-bound.ts';
import type { Session } from './session.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { applyEntry } from './testing.ts';
import type { RegionTotals } from './totals.ts';

const START = 1_800_000_000_000;
const REGIONS = ['apac', 'eu-west'];
const SERVERS = ['https://media-1.example.com', 'wss://media-1.example.com'];
const MAX_SESSIONS = 8;
/** So few that some are left out. */
const MAX_SERIES = 12;

const counter = fc.nat(100_000);
/** Which of the beacons of a peer with every counter: its differences are known, where those of random ones seldom are. */
const beaconNumber = fc.integer({ min: 1, max: 4 });
const audioOrPart = fc.record(
  {
    jitterBufferDelay: counter,
    jitterBufferEmittedCount: counter,
    concealedSamples: counter,
    silentConcealedSamples: counter,
    removedSamplesForAcceleration: counter,
    insertedSamplesForDeceleration: counter,
    totalSamplesReceived: counter,
    jitterBufferTargetDelay: counter,
    packetsReceived: counter,
    packetsLost: fc.integer({ min: -100, max: 1_000 }),
    jitter: fc.double({ min: 0, max: 2, noNaN: true }),
  },
  { requiredKeys: [] },
);
const audio = fc.oneof(
  audioOrPart,
  beaconNumber.map((n) => fullPeer('', n).audio),
);
const videoOrPart = fc.record(
  {
    framesPerSecond: fc.double({ min: 0, max: 1_000, noNaN: true }),
    framesDecoded: counter,
    framesDropped: counter,
    freezeCount: fc.nat(20),
    totalFreezesDuration: fc.double({ min: 0, max: 100, noNaN: true }),
    packetsReceived: counter,
    packetsLost: fc.integer({ min: -100, max: 1_000 }),
  },
  { requiredKeys: [] },
);
const video = fc.oneof(
  videoOrPart,
  beaconNumber.map((n) => fullPeer('', n).video),
);
const rate = fc.double({ min: 0, max: 100, noNaN: true });
const neteqOrPart = fc.record(
  {
    buffer: fc.double({ min: 0, max: 2, noNaN: true }),
    target_delay: fc.double({ min: 0, max: 2, noNaN: true }),
    packets_per_second: fc.oneof(fc.constantFrom(0, 1.999, 2), rate),
    operations_per_second: fc.record(
      { normal: rate, expand: rate, accelerate: rate, fast_accelerate: rate, merge: rate },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);
const neteq = fc.oneof(
  neteqOrPart,
  fc.record({ buffer: fc.constantFrom(0.05, 0.1), operations_per_second: fc.constant({ expand: 5, accelerate: 1 }) }),
);
const peers = fc.uniqueArray(
  fc.record({ peer_id: fc.constantFrom('a', 'b', 'c', 'd'), audio, neteq, video }, { requiredKeys: ['peer_id'] }),
  { selector: (peer) => peer.peer_id },
) as fc.Arbitrary<Peer[]>;
const server = fc.record({
  url: fc.constantFrom(...SERVERS, 'https://nobody.example.com/x?y'),
  type: fc.constantFrom('webtransport' as const, 'webrtc' as const),
});

const few = fc.nat(20);
/** What a session says of itself; little of it, so that sessions share combinations and counters go back. */
const selfReport = {
  client: fc.record({ platform: fc.constantFrom('web', 'ios'), engine: fc.constant('webkit') }, { requiredKeys: [] }),
  state: fc.record(
    { visible: fc.boolean(), video_sending: fc.boolean(), omitted_peers: fc.nat({ max: 10_000 }) },
    { requiredKeys: [] },
  ),
  path: fc.record(
    { candidate_type: fc.constantFrom('host', 'relay'), protocol: fc.constant('tls') },
    { requiredKeys: [] },
  ),
  connection: fc.record({ failures: few, ice_restarts: few }, { requiredKeys: [] }),
  join: fc.record(
    { result: fc.constantFrom('ok', 'ok', 'ice'), seconds: few, first_audio_seconds: few, first_video_seconds: few },
    { requiredKeys: [] },
  ),
  sent: fc.record(
    {
      audio: fc.record({ packetsSent: few, packetsLost: fc.integer({ min: -2, max: 9 }) }, { requiredKeys: [] }),
      video: fc.record(
        { packetsSent: few, packetsLost: few, qualityLimitationReason: fc.constantFrom('none', 'cpu') },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  ),
};

const apply = fc.record({
  kind: fc.constant('apply' as const),
  region: fc.constantFrom(...REGIONS),
  /** Takes a number above all before it, as a well-behaved client does, instead of the beacon's own. */
  inOrder: fc.boolean(),
  /** How long the beacon was under way: over the TTL it is late, below zero the edge's clock runs ahead. */
  age: fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: -1_000, max: 2_000 }) },
    { weight: 1, arbitrary: fc.nat(60_000) },
  ),
  beacon: fc.record(
    {
      v: fc.constant(1 as const),
      meeting_id: fc.constantFrom('m-1', 'm-2', 'm-3'),
      session_id: fc.constantFrom('s-1', 's-2', 's-3'),
      participant_id: fc.constantFrom('p-1', 'p-2'),
      seq: fc.oneof(fc.nat(6), fc.nat(60)),
      peers,
      server,
      rtt: fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { maxLength: 3 }),
      leaving: fc.constant(true as const),
      dropped: fc.nat(5),
      started: fc.constantFrom(1, 2, 3),
      ...selfReport,
    },
    { requiredKeys: ['v', 'meeting_id', 'session_id', 'participant_id', 'seq', 'peers'] },
  ) as fc.Arbitrary<Beacon>,
});
const step = fc.oneof(
  { weight: 8, arbitrary: apply },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.oneof(fc.nat(2_000), fc.nat(40_000)) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('down' as const, 'up' as const),
      region: fc.constantFrom(...REGIONS),
    }),
  },
);
/** Long ones: it takes several sessions in one cell, and one that moves, to see what a move forgets. */
const sequence = fc.array(step, { maxLength: 60, size: 'max' });
const applies = fc.array(apply, { maxLength: 40, size: 'max' });
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const OPTIONS = {
  regions: REGIONS,
  servers: SERVERS,
  ttlSeconds: 30,
  maxSessions: MAX_SESSIONS,
  maxSessionSeries: MAX_SERIES,
};

function createStore(): Sessions {
  const sessions = createSessions(OPTIONS);
  for (const region of REGIONS) sessions.feedUp(region, START);
  return sessions;
}

/** Runs the steps, checks `law` after each, and returns the time at the end. */
function run(sessions: Sessions, steps: readonly Step[], law: (nowMs: number) => void = () => {}): number {
  let nowMs = START;
  let seq = 100;
  for (const one of steps) {
    if (one.kind === 'apply') {
      applyEntry(sessions, one.region, entryOf(one.inOrder ? withSeq(one, ++seq) : one, nowMs), nowMs);
    } else if (one.kind === 'wait') {
      nowMs += one.ms;
    } else if (one.kind === 'down') {
      sessions.feedDown(one.region, nowMs);
    } else {
      sessions.feedUp(one.region, nowMs);
    }
    while (sessions.expire(nowMs));
    law(nowMs);
  }
  return nowMs;
}

function entryOf({ age, beacon }: { age: number; beacon: Beacon }, nowMs: number): Entry {
  return { receivedAtMs: nowMs - age, colo: '', beacon };
}

function withSeq<T extends { beacon: Beacon }>(one: T, seq: number): T {
  return { ...one, beacon: { ...one.beacon, seq } };
}

function living(sessions: Sessions): Session[] {
  return [...sessions.meetings()].flatMap((meeting) => [...meeting.sessions.values()]);
}

/** The values that the living contribute to one measure of a cell, by going through all of them. */
function recount(sessions: Sessions, cell: Cell, measure: number): number[] {
  const inCell = living(sessions).filter((session) => session.cell === cell);
  const values =
    measure === MEASURE.rtt
      ? inCell.map(({ rtt }) => rtt)
      : measure === MEASURE.uplink_packet_loss
        ? inCell.map(({ uplinkLoss }) => uplinkLoss)
        : inCell.flatMap(({ peers: rows }) => rows.map((row) => sessions.peers.value(row, measure)));
  return values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
}

function checkCell(sessions: Sessions, cell: Cell): void {
  const inCell = living(sessions).filter((session) => session.cell === cell);
  expect(cell.sessions).toBe(inCell.length);
  expect(cell.peers).toBe(inCell.reduce((sum, { peers: rows }) => sum + rows.length, 0));
  expect(cell.omittedPeers).toBe(inCell.reduce((sum, { omittedPeers }) => sum + omittedPeers, 0));
  MEASURES.forEach(({ bounds }, measure) => {
    const values = recount(sessions, cell, measure);
    const distribution = cell.live[measure];
    if (!distribution) {
      expect(values).toEqual([]);
      return;
    }
    const { cumulative, count, sum, quantiles } = distribution.summarize(QUANTILES);
    expect(count).toBe(values.length);
    expect(cumulative).toEqual(bounds.map((bound) => values.filter((value) => value <= bound).length));
    expect(sum).toBe(values.reduce((total, value) => total + Math.round(value * 1e6), 0) / 1e6);
    QUANTILES.forEach((quantile, i) => {
      const exact = values[Math.max(1, Math.ceil(quantile * values.length - 1e-9)) - 1];
      if (exact !== undefined) expect(Math.abs((quantiles[i] as number) - exact)).toBeLessThanOrEqual(exact * 0.01);
    });
  });
}

const ALL = new Set(['population', 'sessions', 'process'] as const);

function exposition(sessions: Sessions, nowMs: number, openMetrics = false, collect: Collect = ALL): string {
  return [...expose(sessions, { nowMs, collect, openMetrics })].join('');
}

/** The live families alone: what must be as empty at the end as it was at the start. */
function liveLines(sessions: Sessions, nowMs: number): string[] {
  return exposition(sessions, nowMs, false, new Set(['population', 'sessions'] as const))
    .split('\n')
    .filter((line) => !/^edgepulse_(rtt_seconds|join_seconds|first_media_seconds|\w+_total)/.test(line));
}

/** Of a session that left nothing is remembered: any number of it, even a low one, begins it as a new one. */
function expectNobodyRemembered(sessions: Sessions, nowMs: number): void {
  for (const meeting_id of ['m-1', 'm-2', 'm-3']) {
    for (const session_id of ['s-1', 's-2', 's-3']) {
      const { applied } = sessions.totals('apac');
      const entry = validEntry({ meeting_id, session_id, seq: 0 }, nowMs);
      applyEntry(sessions, 'apac', entry, nowMs);
      expect(sessions.totals('apac').applied).toBe(applied + 1);
      expect(sessions.living()).toBe(1);
      applyEntry(sessions, 'apac', { ...entry, beacon: { ...entry.beacon, seq: 1, leaving: true } }, nowMs);
    }
  }
}

/** The totals without the functions of their histograms. */
function numbersOf(totals: RegionTotals): object {
  return JSON.parse(JSON.stringify(totals));
}

describe('laws of the store', () => {
  it('live buckets, counts, sums and quantiles equal a recount after any sequence', () => {
    fc.assert(
      fc.property(sequence, (steps) => {
        const sessions = createStore();
        let done = 0;
        run(sessions, steps, () => {
          if (++done % 10 === 0) for (const cell of sessions.cells()) checkCell(sessions, cell);
        });
      }),
      { numRuns: 150 },
    );
  });

  it('sessions by path and client and senders of video equal a recount', () => {
    fc.assert(
      fc.property(sequence, (steps) => {
        const sessions = createStore();
        run(sessions, steps, () => {
          for (const region of REGIONS) {
            const fresh = createBreakdown([region]);
            for (const { cell, standing } of living(sessions)) {
              if (cell.region === region) fresh.replace(region, NO_STANDING, standing);
            }
            for (const kind of ['path', 'client', 'videoSender'] as const) {
              for (const { number } of COMBINATIONS[kind]) {
                expect(sessions.breakdown.count(region, kind, number)).toBe(fresh.count(region, kind, number));
              }
            }
          }
        });
      }),
    );
  });

  it('meetings and participants equal a recount', () => {
    fc.assert(
      fc.property(sequence, (steps) => {
        const sessions = createStore();
        run(sessions, steps, () => {
          for (const region of REGIONS) {
            const here = living(sessions).filter(({ presence }) => presence.region === region);
            const people = new Set(
              here.map(({ presence, participantId }) => `${presence.meeting.id} ${participantId}`),
            );
            expect(sessions.headcount(region)).toEqual({
              meetings: new Set(here.map(({ presence }) => presence.meeting.id)).size,
              participants: people.size,
            });
          }
        });
      }),
    );
  });

  it('passes no bound, and the budget counts exactly the detail series that are shown', () => {
    fc.assert(
      fc.property(sequence, (steps) => {
        const sessions = createStore();
        let done = 0;
        run(sessions, steps, (nowMs) => {
          expect(sessions.living()).toBeLessThanOrEqual(MAX_SESSIONS);
          expect(sessions.budget.used).toBeLessThanOrEqual(MAX_SERIES);
          const left = living(sessions).filter(({ series }) => series < 0);
          if (left.some(({ series, isSuspect }) => isSuspect && -series <= MAX_SERIES)) {
            expect(living(sessions).filter(({ series, isSuspect }) => series > 0 && !isSuspect)).toEqual([]);
          }
          if (++done % 5 !== 0) return;
          const samples = exposition(sessions, nowMs)
            .split('\n')
            .filter((line) => line !== '' && !line.startsWith('#'));
          expect(samples.length).toBeLessThanOrEqual(seriesBound(OPTIONS));
          if (REGIONS.some((region) => sessions.isWithdrawn(region, nowMs))) return;
          expect(samples.filter((line) => line.includes('meeting_id=')).length).toBe(sessions.budget.used);
        });
      }),
    );
  });

  it('after everything left or expired, state and exposition equal the empty ones', () => {
    fc.assert(
      fc.property(sequence, (steps) => {
        const sessions = createStore();
        const end = run(sessions, steps);
        for (const region of REGIONS) sessions.feedUp(region, end);
        while (sessions.expire(end + 62_000));
        expect(sessions.living()).toBe(0);
        expect([...sessions.meetings()]).toEqual([]);
        expect(sessions.budget.used).toBe(0);
        for (const cell of sessions.cells())
          expect(cell).toMatchObject({ sessions: 0, peers: 0, omittedPeers: 0, live: [] });
        expect(liveLines(sessions, end + 62_000)).toEqual(liveLines(createStore(), end + 62_000));
        expectNobodyRemembered(sessions, end + 62_000);
      }),
    );
  });

  it('applying everything twice changes only `duplicate`, or `late` where nobody lives to remember', () => {
    fc.assert(
      fc.property(applies, (steps) => {
        const once = createStore();
        const twice = createStore();
        const fresh = steps.map((one) => ({ ...one, age: 10 }));
        for (const one of fresh) {
          applyEntry(once, one.region, entryOf(one, START), START);
          applyEntry(twice, one.region, entryOf(one, START), START);
          // A session over MAX_SESSIONS is not remembered, so its repeat can't be recognised.
          const refused = REGIONS.reduce((sum, region) => sum + twice.totals(region).refused, 0);
          fc.pre(refused === 0);
          applyEntry(twice, one.region, entryOf(one, START), START);
        }
        for (const region of REGIONS) {
          expect(numbersOf(twice.totals(region))).toEqual({
            ...numbersOf(once.totals(region)),
            duplicate: twice.totals(region).duplicate,
          });
        }
        const others = (sessions: Sessions) =>
          exposition(sessions, START).replace(/^\S+outcome="duplicate"\S+ .*\n/gm, '');
        expect(others(twice)).toBe(others(once));
      }),
    );
  });

  it('every beacon has exactly one outcome', () => {
    fc.assert(
      fc.property(sequence, (steps) => {
        const sessions = createStore();
        run(sessions, steps);
        const outcomes = REGIONS.reduce((sum, region) => {
          const { applied, duplicate, late } = sessions.totals(region);
          return sum + applied + duplicate + late;
        }, 0);
        expect(outcomes).toBe(steps.filter(({ kind }) => kind === 'apply').length);
      }),
    );
  });

  it('shows no series twice when sessions come, move and go while a scrape is under way', () => {
    fc.assert(
      fc.property(sequence, applies, (before, during) => {
        const sessions = createStore();
        const nowMs = run(sessions, before);
        const collect = new Set(['sessions'] as const);
        let text = '';
        let seq = 1_000;
        const changes = during[Symbol.iterator]();
        for (const slice of expose(sessions, { nowMs, collect, openMetrics: false, linesAtOnce: 1 })) {
          text += slice;
          for (const _ of [1, 2, 3]) {
            const { value: one } = changes.next();
            if (one) applyEntry(sessions, one.region, entryOf(withSeq(one, ++seq), nowMs), nowMs);
          }
        }
        const keys = parseMetrics(text).map(({ name, labels }) => name + JSON.stringify(labels));
        expect(new Set(keys).size).toBe(keys.length);
      }),
      { numRuns: 300 },
    );
  });

  it('the exposition parses, in both formats, to exactly the state', () => {
    fc.assert(
      fc.property(sequence, fc.boolean(), (steps, openMetrics) => {
        const sessions = createStore();
        const nowMs = run(sessions, steps);
        for (const region of REGIONS) sessions.feedUp(region, nowMs);
        const samples = parseMetrics(exposition(sessions, nowMs, openMetrics));
        const shown = samples.filter(({ name }) => name === 'edgepulse_session_rtt_seconds');
        const kept = living(sessions).filter(({ series, rtt }) => series > 0 && !Number.isNaN(rtt));
        expect(new Map(shown.map(({ labels, value }) => [`${labels.meeting_id} ${labels.session_id}`, value]))).toEqual(
          new Map(kept.map(({ presence, id, rtt }) => [`${presence.meeting.id} ${id}`, rtt])),
        );
        const keys = samples.map(({ name, labels }) => `${name}${JSON.stringify(labels)}`);
        expect(new Set(keys).size).toBe(keys.length);
        for (const cell of sessions.cells()) {
          const of = samples.find(
            ({ name, labels }) =>
              name === 'edgepulse_sessions' &&
              labels.region === cell.region &&
              labels.server_url === cell.serverUrl &&
              labels.server_type === cell.serverType,
          );
          expect(of?.value ?? 0).toBe(cell.sessions);
        }
      }),
    );
  });
});
