import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Beacon, Peer } from '../../shared/beacon.ts';
import { validBeacon } from '../../test/support/edge/beacon.ts';
import { createReports } from '../store/report/report.ts';
import { createSessions, type Sessions } from '../store/sessions.ts';
import { createTestSessions } from '../store/testing.ts';
import { ALL_REGIONS, createHistory, STEP_MS } from './history.ts';
import { createCrowd, readCrowd } from './reading.ts';
import { createRecorder, type FeedPosition } from './recorder.ts';

const START = 1_800_000_000_000;
const TTL_MS = 30_000;
const LIVE: FeedPosition = { isLive: true, readMs: START, completeFromMs: 0 };

/** A recorder of two regions whose sessions are what is set, and which is at the time that is set. */
function setUp() {
  const positions = new Map<string, FeedPosition>([
    ['apac', LIVE],
    ['sa', LIVE],
  ]);
  const people = new Map([
    ['apac', 2],
    ['sa', 1],
  ]);
  const readsAt: string[] = [];
  const crowdOf = (region: string) => ({ ...createCrowd(), sessions: people.get(region) ?? 0 });
  const history = createHistory(['apac', 'sa']);
  const recorder = createRecorder({
    history,
    positionOf: (region) => positions.get(region) as FeedPosition,
    read: async (regions) => new Map(regions.map((region) => [region, crowdOf(region)])),
    readAt(region, timeMs) {
      readsAt.push(`${region} ${(timeMs - START) / 1000}`);
      return crowdOf(region);
    },
  });
  function set(region: string, position: Partial<FeedPosition>): void {
    positions.set(region, { ...(positions.get(region) as FeedPosition), ...position });
  }
  return {
    people,
    readsAt,
    recorder,
    set,
    /** Both regions have been read up to then. */
    async tickAt(seconds: number) {
      for (const region of positions.keys()) set(region, { readMs: START + seconds * 1000 });
      await recorder.tick();
    },
    passes: (region: string, untilS: number, handledS = Number.NEGATIVE_INFINITY) =>
      recorder.passes(region, { untilMs: START + untilS * 1000, handledMs: START + handledS * 1000 }),
    /** What is known, by seconds since the start. */
    known(region: string) {
      const { timesMs, of } = history.read();
      const { sessions } = of(region);
      return Object.fromEntries(
        timesMs.flatMap((atMs, i) => (sessions[i] === null ? [] : [[(atMs - START) / 1000, sessions[i]]])),
      );
    },
  };
}

describe('while regions are live', () => {
  it('a step is the first reading at or after its time, once', async () => {
    const { tickAt, people, known } = setUp();
    await tickAt(0.25);
    for (const [at, count] of [
      [4.9, 3],
      [5.1, 4],
      [5.4, 5],
      [9.9, 6],
      [10, 7],
    ] as const) {
      people.set('apac', count);
      await tickAt(at);
    }
    expect(known('apac')).toEqual({ 5: 4, 10: 7 });
    expect(known(ALL_REGIONS)).toEqual({ 5: 5, 10: 8 });
  });

  it('a step that the process was too late for stays unknown', async () => {
    const { tickAt, known } = setUp();
    for (const at of [0, 5, 17, 20]) await tickAt(at);
    expect(Object.keys(known('apac'))).toEqual(['5', '15', '20']);
  });

  it('a region that lags a little has its step when it has been read up to it', async () => {
    const { tickAt, set, recorder, known } = setUp();
    await tickAt(0);
    set('apac', { readMs: START + 5_100 });
    set('sa', { readMs: START + 4_900 });
    await recorder.tick();
    expect([known('apac'), known('sa'), known(ALL_REGIONS)]).toEqual([{ 5: 2 }, {}, { 5: 2 }]);
    set('sa', { readMs: START + 5_000 });
    await recorder.tick();
    expect([known('sa'), known(ALL_REGIONS)]).toEqual([{ 5: 1 }, { 5: 3 }]);
  });

  it('one whose feed is down has none, neither frozen nor zero, nor when what it missed is read', async () => {
    const { tickAt, set, recorder, known, passes } = setUp();
    await tickAt(0);
    await tickAt(5);
    set('apac', { isLive: false });
    recorder.lost('apac');
    for (const at of [10, 15, 20]) await tickAt(at);
    set('apac', { isLive: true });
    for (const at of [21, 24, 25.1]) await tickAt(at);
    expect(known('apac')).toEqual({ 5: 2, 25: 2 });
    expect(known(ALL_REGIONS)).toEqual({ 5: 3, 10: 1, 15: 1, 20: 1, 25: 3 });
    recorder.lost('apac');
    passes('apac', 41);
    passes('apac', 46);
    expect(known('apac')).toEqual({ 5: 2, 25: 2, 45: 2 });
  });

  it('nothing is recorded before everybody is known who was alive', async () => {
    const { tickAt, set, known } = setUp();
    await tickAt(0);
    set('apac', { completeFromMs: START + 12_000 });
    set('sa', { completeFromMs: Number.NaN });
    for (const at of [5, 10, 15, 20]) await tickAt(at);
    expect([known('apac'), known('sa')]).toEqual([{ 15: 2, 20: 2 }, {}]);
  });

  it('a clock that was set back forgets what has yet to come, and one that was set forward leaves a hole', async () => {
    const { tickAt, known } = setUp();
    for (const at of [0, 5, 10, 15, 20, 25]) await tickAt(at);
    await tickAt(11);
    expect(known('apac')).toEqual({ 5: 2, 10: 2 });
    for (const at of [14, 16, 100, 105]) await tickAt(at);
    expect(known('apac')).toEqual({ 5: 2, 10: 2, 15: 2, 100: 2, 105: 2 });
    await tickAt(36_000);
    expect(known('apac')).toEqual({ 36000: 2 });
  });
});

describe('while a region is behind, or what it has is read again', () => {
  it('each step that passes is recorded at its own time, and the live ones go on from there', async () => {
    const { tickAt, set, recorder, readsAt, passes, known } = setUp();
    set('apac', { isLive: false });
    for (const until of [1, 4, 5, 7, 21]) passes('apac', until);
    expect(readsAt).toEqual(['apac 5', 'apac 10', 'apac 15', 'apac 20']);
    set('apac', { isLive: true });
    await tickAt(22);
    await tickAt(25);
    expect(Object.keys(known('apac'))).toEqual(['5', '10', '15', '20', '25']);
    // Behind: the state is of what was read, and so is the step.
    set('apac', { isLive: false });
    await recorder.tick();
    passes('apac', 31, 28);
    expect(readsAt.at(-1)).toBe('apac 30');
  });

  it('none is recorded of a time before the first message, or before it is complete', () => {
    const { set, passes, readsAt } = setUp();
    set('apac', { isLive: false, completeFromMs: START + 31_000 });
    for (const until of [12, 22, 29.9, 30, 34.9]) passes('apac', until);
    expect(readsAt).toEqual([]);
    passes('apac', 36);
    expect(readsAt).toEqual(['apac 35']);
  });

  it('none is recorded when another lane has been read far beyond it', () => {
    const { set, passes, readsAt } = setUp();
    set('apac', { isLive: false });
    passes('apac', 1, 20);
    passes('apac', 6, 20);
    passes('apac', 14.9, 20);
    expect(readsAt).toEqual([]);
    passes('apac', 16, 20);
    expect(readsAt).toEqual(['apac 15']);
    passes('apac', Number.NaN, 20);
    expect(readsAt).toHaveLength(1);
  });

  it('regions that are read one after the other make up all of them', () => {
    const { passes, known } = setUp();
    for (const until of [0, 60]) passes('apac', until);
    for (const until of [0, 60]) passes('sa', until);
    expect(Object.values(known(ALL_REGIONS))).toEqual(Array(12).fill(3));
  });

  it('those that come too late for a step that is long over do not stand for all of them', () => {
    const { passes, known } = setUp();
    for (const until of [0, 600]) passes('apac', until);
    for (const until of [0, 600]) passes('sa', until);
    expect(Object.values(known('sa'))).toHaveLength(120);
    expect(known(ALL_REGIONS)).toMatchObject({ 5: 2, 440: 2, 445: 3, 600: 3 });
  });
});

type Event = { readonly atMs: number; readonly region: string; readonly beacon: Beacon };

const event = fc.record({
  afterMs: fc.oneof(fc.nat(1_500), fc.nat(9_000)),
  region: fc.constantFrom('apac', 'sa'),
  said: fc.record({
    session_id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    rtt: fc.constantFrom<number[]>([], [0.1], [0.3]),
    peers: fc.constantFrom<Peer[]>([], [{ peer_id: 'x', neteq: { operations_per_second: { expand: 30 } } }]),
  }),
});

function eventsOf(all: readonly (typeof event extends fc.Arbitrary<infer E> ? E : never)[]): Event[] {
  let atMs = START;
  return all.map(({ afterMs, region, said }, seq) => {
    atMs += afterMs + 1;
    // A session stays where it is.
    const session_id = `${said.session_id}-${region}`;
    return { atMs, region, beacon: validBeacon({ ...said, seq, session_id, participant_id: session_id }) };
  });
}

const OPTIONS = {
  regions: ['apac', 'sa'],
  servers: [],
  ttlSeconds: TTL_MS / 1000,
  maxSessions: 100,
  maxSessionSeries: 0,
};

const reports = createReports();

/** @param nowMs when it is handled: later, in a replay */
function apply(sessions: Sessions, { atMs, region, beacon }: Event, nowMs = atMs): void {
  reports.clear();
  reports.addBeacon(atMs, beacon);
  reports.place(atMs, atMs);
  sessions.apply(region, reports, nowMs);
}

describe('a replay', () => {
  it('records what was recorded when it happened, from a TTL after its beginning on', () => {
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 10, maxLength: 40, size: 'max' }),
        fc.oneof(fc.constant(0), fc.nat(30_000)),
        (all, sinceMs) => {
          const events = eventsOf(all);
          const endMs = events.at(-1)?.atMs ?? START;
          const live = createTestSessions(OPTIONS);
          const expected = new Map<string, unknown>();
          let stepMs = START;
          for (const one of [...events, undefined]) {
            for (; stepMs <= (one?.atMs ?? endMs); stepMs += STEP_MS) {
              while (live.expire(stepMs));
              for (const region of live.regions) expected.set(`${region} ${stepMs}`, readCrowd(live, region).sessions);
              for (const region of live.regions)
                expected.set(`${region} ${stepMs} quiet`, readCrowd(live, region).quiet);
            }
            if (one) apply(live, one);
          }

          const fromMs = START + sinceMs;
          const replayed = createSessions(OPTIONS);
          const history = createHistory(replayed.regions);
          const recorder = createRecorder({
            history,
            positionOf: () => ({ isLive: false, readMs: Number.NaN, completeFromMs: fromMs + TTL_MS }),
            read: async () => new Map(),
            readAt(region, timeMs) {
              replayed.advance(region, timeMs);
              return readCrowd(replayed, region);
            },
          });
          const handled = new Map<string, number>();
          for (const one of events.filter(({ atMs }) => atMs >= fromMs)) {
            const handledMs = handled.get(one.region) ?? Number.NEGATIVE_INFINITY;
            recorder.passes(one.region, { untilMs: one.atMs, handledMs });
            apply(replayed, one, endMs);
            handled.set(one.region, one.atMs);
          }
          for (const region of replayed.regions) {
            recorder.passes(region, { untilMs: endMs, handledMs: handled.get(region) ?? Number.NEGATIVE_INFINITY });
            const { timesMs, of } = history.read();
            const { sessions, quiet } = of(region);
            for (const [i, atMs] of timesMs.entries()) {
              if (sessions[i] === null) continue;
              expect(atMs).toBeGreaterThanOrEqual(fromMs + TTL_MS);
              expect(sessions[i]).toBe(expected.get(`${region} ${atMs}`));
              // How long a session is used to be silent is told by beacons that a later beginning does not read.
              if (sinceMs === 0) expect(quiet[i]).toBe(expected.get(`${region} ${atMs} quiet`));
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
