/** Laws of impairment: whatever comes in whatever order, what is counted equals a recount of who lives and how they hear each other. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Beacon, Peer } from '../../shared/beacon.ts';
import { createPublisher, type Publisher } from '../attribution/publisher.ts';
import { type Share, sideOf } from '../attribution/side.ts';
import { SILENCE, silenceCause } from '../attribution/silence.ts';
import { AUDIO_BAD, AUDIO_JUDGED, silenceOf, VIDEO_BAD, VIDEO_JUDGED } from '../attribution/stream.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';
import { applyEntry, createTestSessions, NOW, readImpairment } from './testing.ts';

const SERVER = 'https://media-1.example.com';
/** Few, so that they meet; some are listed as peers and never come. */
const IDS = ['a', 'b', 'c', 'd', 'e'];

const neteq = fc.record(
  {
    packets_per_second: fc.constantFrom(0, 4, 50),
    operations_per_second: fc.record({ expand: fc.constantFrom(0, 40) }),
  },
  { requiredKeys: [] },
);
const audio = fc.record(
  { packetsReceived: fc.constantFrom(100, 200), packetsLost: fc.constantFrom(0, 60), totalAudioEnergy: fc.constant(1) },
  { requiredKeys: [] },
);
const video = fc.record({ packetsReceived: fc.constantFrom(100, 200), packetsLost: fc.constantFrom(0, 60) });
const peers = fc.uniqueArray(
  fc.record({ peer_id: fc.constantFrom(...IDS, 'nobody'), neteq, audio, video }, { requiredKeys: ['peer_id'] }),
  { selector: ({ peer_id }) => peer_id },
) as fc.Arbitrary<Peer[]>;

const beacon = fc.record(
  {
    meeting_id: fc.constantFrom('m-1', 'm-1', 'm-2'),
    session_id: fc.constantFrom(...IDS),
    participant_id: fc.constantFrom('p-1', 'p-2'),
    peers,
    server: fc.record({ url: fc.constant(SERVER), type: fc.constantFrom('webrtc' as const, 'websocket' as const) }),
    rtt: fc.constantFrom([], [0.1], [0.3]),
    state: fc.record({ audio_sending: fc.boolean() }, { requiredKeys: [] }),
    sent: fc.record({ audio: fc.record({ totalAudioEnergy: fc.constantFrom(1, 2, 3) }) }, { requiredKeys: [] }),
    started: fc.constantFrom(1, 2),
  },
  { requiredKeys: ['meeting_id', 'session_id', 'participant_id', 'peers'] },
) as fc.Arbitrary<Omit<Beacon, 'v' | 'seq'>>;

const step = fc.oneof(
  { weight: 9, arbitrary: fc.record({ beacon, region: fc.constantFrom('apac', 'eu-west') }) },
  { weight: 1, arbitrary: fc.record({ leaves: fc.constantFrom(...IDS), meeting: fc.constantFrom('m-1', 'm-2') }) },
  { weight: 1, arbitrary: fc.record({ waitMs: fc.constantFrom(1_000, 20_000) }) },
);
const steps = fc.array(step, { maxLength: 80, size: 'max' });
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** @returns when it ended, by the broker's clock */
function run(sessions: Sessions, all: readonly Step[], after: () => void = () => {}): number {
  let nowMs = NOW;
  for (const [seq, one] of all.entries()) {
    nowMs += 500;
    if ('waitMs' in one) {
      nowMs += one.waitMs;
      while (sessions.expire(nowMs));
    } else {
      const given = 'beacon' in one ? one.beacon : leaving(one);
      const region = 'region' in one ? one.region : 'apac';
      applyEntry(sessions, region, { receivedAtMs: nowMs, colo: '', beacon: { v: 1, seq, ...given } }, nowMs);
    }
    after();
  }
  return nowMs;
}

function leaving({ leaves, meeting }: { leaves: string; meeting: string }): Omit<Beacon, 'v' | 'seq'> {
  return { meeting_id: meeting, session_id: leaves, participant_id: 'p-1', peers: [], leaving: true };
}

function living(sessions: Sessions): Session[] {
  return [...sessions.meetings()].flatMap((meeting) => [...meeting.sessions.values()]);
}

type Stream = { receiver: Session; publisher: Publisher | undefined; state: number; row: number };

/** Every stream that somebody receives, but for those of sessions that list themselves. */
function streamsOf(sessions: Sessions): Stream[] {
  return living(sessions).flatMap((receiver) =>
    receiver.peers.flatMap((row) => {
      if (sessions.peers.id(row) === receiver.id) return [];
      return [{ receiver, row, publisher: sessions.peers.publisher(row), state: sessions.peers.state(row) }];
    }),
  );
}

function silenceNow({ receiver, publisher, state }: Stream) {
  return publisher && silenceCause(silenceOf(state), publisher, receiver.receivedAtMs);
}

/** A claimed silence as others count it, who see of its sender only whether it says that it sends. */
function isClaimed({ publisher, state }: Stream): boolean {
  return publisher?.own?.isSending === true && silenceOf(state) >= SILENCE.noPackets;
}

/** By the definitions, from all streams: what is bad of those that are known. */
function shareOf(streams: readonly Stream[], kind: 'audio' | 'video', isSilent: (stream: Stream) => boolean): Share {
  const [judged, bad] = kind === 'audio' ? [AUDIO_JUDGED, AUDIO_BAD] : [VIDEO_JUDGED, VIDEO_BAD];
  const isBad = (stream: Stream) => (stream.state & bad) !== 0 || (kind === 'audio' && isSilent(stream));
  return {
    bad: streams.filter(isBad).length,
    of: streams.filter((stream) => isBad(stream) || (stream.state & judged) !== 0).length,
  };
}

function sideByRecount(all: readonly Stream[], stream: Stream): string {
  const { publisher, receiver } = stream;
  if (!publisher?.isHere) return 'unknown';
  const isBadAudio = (stream.state & AUDIO_BAD) !== 0 || silenceNow(stream) !== undefined;
  const kinds = [
    ...(isBadAudio ? (['audio'] as const) : []),
    ...((stream.state & VIDEO_BAD) !== 0 ? (['video'] as const) : []),
  ];
  const own = all.filter((one) => one.receiver === receiver);
  for (const kind of kinds) {
    const others = own
      .filter((one) => one.publisher?.isHere && one.publisher !== publisher)
      .flatMap((one) => all.filter((other) => other.publisher === one.publisher && other.receiver !== receiver));
    const side = sideOf({
      publisher: shareOf(
        all.filter((one) => one.publisher === publisher),
        kind,
        isClaimed,
      ),
      receiver: shareOf(own, kind, (one) => silenceNow(one) !== undefined),
      rest: shareOf(others, kind, isClaimed),
    });
    if (side !== 'unknown') return side;
  }
  return 'unknown';
}

describe('laws of impairment', () => {
  it('each publisher has the counts of the streams that come from it', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const sessions = createTestSessions({ servers: [SERVER] });
        run(sessions, all, () => {
          const streams = streamsOf(sessions);
          for (const { publisher } of living(sessions)) {
            const own = streams.filter((stream) => stream.publisher === publisher);
            const silent = own.filter(
              ({ state }) => silenceOf(state) >= SILENCE.noPackets && (state & AUDIO_BAD) === 0,
            );
            const unheard = silent.filter(({ state }) => (state & AUDIO_JUDGED) === 0);
            const having = (bit: number) => own.filter(({ state }) => (state & bit) !== 0).length;
            expect(publisher).toMatchObject({
              isHere: true,
              audioJudged: having(AUDIO_JUDGED),
              audioBad: having(AUDIO_BAD),
              videoJudged: having(VIDEO_JUDGED),
              videoBad: having(VIDEO_BAD),
              silent: silent.length,
              unheard: unheard.length,
            });
          }
        });
      }),
    );
  });

  it('each stream comes from the session of its peer id, as far as that had come by its newest beacon', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const sessions = createTestSessions({ servers: [SERVER] });
        run(sessions, all, () => {
          for (const { receiver, row, publisher } of streamsOf(sessions)) {
            const { meeting } = receiver.presence;
            const session = meeting.sessions.get(sessions.peers.id(row));
            if (publisher?.isHere) expect(publisher).toBe(session?.publisher);
            else if (session) expect(receiver.arrivalsSeen).toBeLessThan(meeting.arrivals);
          }
        });
      }),
    );
  });

  it('sessions by cause, streams by side and silent streams equal a recount', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const sessions = createTestSessions({ servers: [SERVER] });
        run(sessions, all);
        const reading = readImpairment(sessions);
        const streams = streamsOf(sessions);
        for (const cell of sessions.cells()) {
          const here = living(sessions).filter((session) => session.cell === cell);
          const received = (session: Session) => streams.filter(({ receiver }) => receiver === session);
          const hasBad = (session: Session, bit: number) => received(session).some(({ state }) => (state & bit) !== 0);
          const isSilent = (session: Session) => received(session).some((stream) => silenceNow(stream) !== undefined);
          const count = (is: (session: Session) => boolean) => here.filter(is).length;
          const isBad = (stream: Stream) =>
            (stream.state & (AUDIO_BAD | VIDEO_BAD)) !== 0 || silenceNow(stream) !== undefined;
          const bad = here.flatMap(received).filter(isBad);
          const by = (side: string) => bad.filter((stream) => sideByRecount(streams, stream) === side).length;
          const isServer = reading.isServerAtFault(cell);
          expect(reading.of(cell)).toEqual({
            sessions: {
              any: count((one) => one.rtt > 0.25 || hasBad(one, AUDIO_BAD | VIDEO_BAD) || isSilent(one)),
              rtt: count(({ rtt }) => rtt > 0.25),
              audio: count((one) => hasBad(one, AUDIO_BAD)),
              video: count((one) => hasBad(one, VIDEO_BAD)),
              silence: count(isSilent),
            },
            streams: {
              server: isServer ? bad.length : 0,
              publisher: isServer ? 0 : by('publisher'),
              receiver: isServer ? 0 : by('receiver'),
              unknown: isServer ? 0 : by('unknown'),
            },
            silent: {
              no_packets: bad.filter((stream) => silenceNow(stream) === 'no_packets').length,
              no_energy: bad.filter((stream) => silenceNow(stream) === 'no_energy').length,
            },
          });
        }
      }),
      { numRuns: 300 },
    );
  });

  it('after everybody left, nobody is impaired, and whoever comes then begins with nothing', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const sessions = createTestSessions({ servers: [SERVER] });
        const end = run(sessions, all);
        while (sessions.expire(end + 62_000));
        expect(sessions.living()).toBe(0);
        const reading = readImpairment(sessions);
        for (const cell of sessions.cells()) {
          const { sessions: people, streams, silent } = reading.of(cell);
          expect(new Set([...Object.values(people), ...Object.values(streams), ...Object.values(silent)])).toEqual(
            new Set([0]),
          );
        }
        for (const session_id of IDS) {
          const given = { meeting_id: 'm-1', session_id, participant_id: 'p-1', peers: [] };
          const entry = { receivedAtMs: end + 70_000, colo: '', beacon: { v: 1 as const, seq: 0, ...given } };
          applyEntry(sessions, 'apac', entry);
        }
        for (const { publisher } of living(sessions)) expect(publisher).toEqual(createPublisher());
      }),
    );
  });
});
