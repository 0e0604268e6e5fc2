import { describe, expect, it } from 'vitest';
import type { Beacon, Peer } from '../../shared/beacon.ts';
import { validBeacon } from '../../test/support/edge/beacon.ts';
import type { Impairment } from './impaired.ts';
import type { Sessions } from './sessions.ts';
import { applyEntry, createTestSessions, NOW, readImpairment } from './testing.ts';

const SERVERS = ['https://media-1.example.com', 'https://media-2.example.com'];

/** A call in rounds of beacons: who is in which meeting, and who hears whom badly. */
type Call = {
  readonly sessions: Sessions;
  /** One beacon of each of `people`, who hear each other and whoever else is listed. */
  round(meeting: string, people: readonly string[], options?: RoundOptions): void;
  post(beacon: Partial<Beacon>): void;
  wait(ms: number): void;
};

type RoundOptions = {
  readonly isBad?: (receiver: string, sender: string) => boolean;
  /** Peers that are nobody's session. */
  readonly others?: readonly string[];
  readonly server?: string;
  readonly rtt?: number;
};

function createCall(): Call {
  const sessions = createTestSessions({ servers: SERVERS });
  let seq = 0;
  let nowMs = NOW;
  const post = (beacon: Partial<Beacon>) => {
    const whole = validBeacon({ participant_id: beacon.session_id ?? '', seq: seq++, rtt: [0.05], ...beacon });
    applyEntry(sessions, 'apac', { receivedAtMs: nowMs, colo: 'SIN', beacon: whole }, nowMs);
  };
  return {
    sessions,
    post,
    wait(ms) {
      nowMs += ms;
    },
    round(meeting, people, { isBad = () => false, others = [], server = SERVERS[0] as string, rtt = 0.05 } = {}) {
      for (const session_id of people) {
        const peers = [...people, ...others].flatMap((id) =>
          id === session_id ? [] : [peerOf(id, isBad(session_id, id))],
        );
        post({ meeting_id: meeting, session_id, peers, server: { url: server, type: 'webrtc' }, rtt: [rtt] });
      }
    },
  };
}

function peerOf(peer_id: string, isBad: boolean): Peer {
  const expand = isBad ? 40 : 0;
  return { peer_id, neteq: { buffer: 0.08, packets_per_second: 50, operations_per_second: { expand } } };
}

const NONE = { server: 0, publisher: 0, receiver: 0, unknown: 0 };
const FOUR = ['a', 'b', 'c', 'd'];

function impairmentOf(sessions: Sessions, url = SERVERS[0] as string): Impairment {
  const reading = readImpairment(sessions);
  const cell = [...sessions.cells()].find(({ serverUrl }) => serverUrl === url);
  if (!cell) throw new Error(`nobody was ever on ${url}`);
  return reading.of(cell);
}

function sidesOf(sessions: Sessions, url?: string): Partial<Impairment['streams']> {
  return Object.fromEntries(Object.entries(impairmentOf(sessions, url).streams).filter(([, count]) => count > 0));
}

describe('impaired sessions', () => {
  it('are zero where nobody is hurt', () => {
    const call = createCall();
    call.round('m', FOUR);
    expect(impairmentOf(call.sessions)).toEqual({
      sessions: { any: 0, rtt: 0, audio: 0, video: 0, silence: 0 },
      streams: NONE,
      silent: { no_packets: 0, no_energy: 0 },
    });
  });

  it('count a session once, however many of its streams are bad', () => {
    const call = createCall();
    const peers = Array.from({ length: 12 }, (_, i) => peerOf(`p-${i}`, true));
    call.post({ session_id: 'a', peers, server: { url: SERVERS[0] as string, type: 'webrtc' } });
    expect(impairmentOf(call.sessions).sessions).toMatchObject({ any: 1, audio: 1, rtt: 0 });
    expect(impairmentOf(call.sessions).streams).toEqual({ ...NONE, unknown: 12 });
  });

  it('count once for each cause, and once in the union', () => {
    const call = createCall();
    const video = { packetsReceived: 100, packetsLost: 0 };
    const worse = { packetsReceived: 200, packetsLost: 50 };
    const post = (session_id: string, peer: Partial<Peer>, rtt: number) =>
      call.post({
        session_id,
        peers: [{ peer_id: 'p', ...peer }],
        rtt: [rtt],
        server: { url: SERVERS[0] as string, type: 'webrtc' },
      });
    post('a', { ...peerOf('p', true), video }, 0.3);
    post('a', { ...peerOf('p', true), video: worse }, 0.3);
    post('b', {}, 0.251);
    post('c', {}, 0.25);
    expect(impairmentOf(call.sessions).sessions).toEqual({ any: 2, rtt: 2, audio: 1, video: 1, silence: 0 });
  });

  it('leave with their session, and move with it', () => {
    const call = createCall();
    const isBad = () => true;
    call.round('m', FOUR, { isBad });
    call.round('m', ['a'], { server: SERVERS[1] as string, others: ['b'], isBad });
    expect(impairmentOf(call.sessions).sessions.any).toBe(3);
    expect(impairmentOf(call.sessions, SERVERS[1]).sessions.any).toBe(1);
    for (const session_id of FOUR) call.post({ meeting_id: 'm', session_id, leaving: true });
    expect(impairmentOf(call.sessions).sessions.any).toBe(0);
    expect(impairmentOf(call.sessions, SERVERS[1]).sessions.any).toBe(0);
  });

  it('recover with the newest beacon, also when it has no figure any more', () => {
    const call = createCall();
    call.round('m', FOUR, { isBad: () => true, rtt: 0.4 });
    expect(impairmentOf(call.sessions).sessions.any).toBe(4);
    for (const session_id of FOUR) {
      call.post({ meeting_id: 'm', session_id, peers: [{ peer_id: 'a' }, { peer_id: 'b' }], rtt: [] });
    }
    expect(impairmentOf(call.sessions).sessions.any).toBe(0);
  });
});

describe('the side of bad streams', () => {
  it('is the publisher whom all hear badly', () => {
    const call = createCall();
    for (let i = 0; i < 2; i++) call.round('m', FOUR, { isBad: (_, sender) => sender === 'a' });
    expect(sidesOf(call.sessions)).toEqual({ publisher: 3 });
  });

  it('is the receiver who hears all badly', () => {
    const call = createCall();
    for (let i = 0; i < 2; i++) call.round('m', FOUR, { isBad: (receiver) => receiver === 'a' });
    expect(sidesOf(call.sessions)).toEqual({ receiver: 3 });
  });

  it('is the server where most of its sessions fare badly, in three meetings', () => {
    const call = createCall();
    for (const meeting of ['m-1', 'm-2', 'm-3']) {
      for (let i = 0; i < 2; i++) call.round(meeting, [`${meeting}-a`, `${meeting}-b`], { isBad: () => true });
    }
    expect(sidesOf(call.sessions)).toEqual({ server: 6 });
  });

  it('is not the server where one large meeting has one bad publisher and others have a bad stream', () => {
    const call = createCall();
    const large = Array.from({ length: 12 }, (_, i) => `p-${i}`);
    for (let i = 0; i < 2; i++) {
      call.round('m-1', large, { isBad: (_, sender) => sender === 'p-0' });
      for (const meeting of ['m-2', 'm-3']) {
        const people = FOUR.map((id) => `${meeting}-${id}`);
        call.round(meeting, people, { isBad: (receiver, sender) => receiver === people[0] && sender === people[1] });
      }
    }
    expect(sidesOf(call.sessions)).toEqual({ publisher: 11, unknown: 2 });
  });

  it('is never the server for those who have none', () => {
    const call = createCall();
    const bad = [peerOf('x', true)];
    for (const meeting_id of ['m-1', 'm-2', 'm-3']) {
      for (const session_id of ['a', 'b']) {
        const { server: _, ...beacon } = validBeacon({
          meeting_id,
          session_id,
          participant_id: session_id,
          peers: bad,
        });
        applyEntry(call.sessions, 'apac', { receivedAtMs: NOW, colo: 'SIN', beacon }, NOW);
      }
    }
    expect(sidesOf(call.sessions, 'none')).toEqual({ unknown: 6 });
  });

  it('is not known where the publisher is nobody here', () => {
    const call = createCall();
    const others = ['x', 'y', 'z'];
    for (let i = 0; i < 2; i++) {
      call.round('m', FOUR, {
        others,
        isBad: (receiver, sender) => sender === 'x' || (receiver === 'a' && sender === 'y'),
      });
    }
    expect(sidesOf(call.sessions)).toEqual({ unknown: 5 });
  });

  it('is not known any more when the publisher has left, and is again when it comes back', () => {
    const call = createCall();
    const isBad = (_: string, sender: string) => sender === 'a';
    for (let i = 0; i < 2; i++) call.round('m', FOUR, { isBad });
    call.post({ meeting_id: 'm', session_id: 'a', leaving: true });
    expect(sidesOf(call.sessions)).toEqual({ unknown: 3 });
    call.wait(10_000);
    call.round('m', FOUR, { isBad });
    call.round('m', FOUR, { isBad });
    expect(sidesOf(call.sessions)).toEqual({ publisher: 3 });
  });

  it('is the publisher who came after its receivers had listed it', () => {
    const call = createCall();
    const isBad = (_: string, sender: string) => sender === 'd';
    call.round('m', ['a', 'b', 'c'], { others: ['d'], isBad });
    call.round('m', ['d'], { others: ['a', 'b', 'c'] });
    call.round('m', ['a', 'b', 'c'], { others: ['d'], isBad });
    expect(sidesOf(call.sessions)).toEqual({ publisher: 3 });
  });

  it('takes no account of a session that lists itself', () => {
    const call = createCall();
    for (let i = 0; i < 2; i++) {
      for (const session_id of FOUR) {
        const peers = FOUR.map((id) => peerOf(id, id === 'a'));
        call.post({ meeting_id: 'm', session_id, peers, server: { url: SERVERS[0] as string, type: 'webrtc' } });
      }
    }
    expect(sidesOf(call.sessions)).toEqual({ publisher: 3 });
    expect(impairmentOf(call.sessions).sessions.any).toBe(3);
  });

  it('blames nobody because one session, or two, claim to hear everybody badly', () => {
    const people = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const liars of [['a'], ['a', 'b']]) {
      const call = createCall();
      for (let i = 0; i < 2; i++) call.round('m', people, { isBad: (receiver) => liars.includes(receiver) });
      expect(sidesOf(call.sessions)).toEqual({ receiver: liars.length * 5 });
    }
  });

  it('is of each session of a participant who has two', () => {
    const call = createCall();
    for (let i = 0; i < 2; i++) {
      call.round('m', [...FOUR, 'a-2'], { isBad: (_, sender) => sender === 'a-2' });
      call.post({
        meeting_id: 'm',
        session_id: 'a-2',
        participant_id: 'a',
        peers: FOUR.map((id) => peerOf(id, false)),
        server: { url: SERVERS[0] as string, type: 'webrtc' },
      });
    }
    expect(sidesOf(call.sessions)).toEqual({ publisher: 4 });
  });

  it('of video is by those who receive video', () => {
    const call = createCall();
    const people = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    // Half of them see a, whose video is lost on its way up; all hear it well.
    for (const packetsLost of [0, 100, 200]) {
      for (const session_id of people) {
        const peers = people.flatMap((id): Peer[] => {
          if (id === session_id) return [];
          const video = { packetsReceived: 5 * packetsLost, packetsLost: id === 'a' ? packetsLost : 0 };
          return [{ ...peerOf(id, false), ...(people.indexOf(session_id) % 2 ? { video } : {}) }];
        });
        call.post({ meeting_id: 'm', session_id, peers, server: { url: SERVERS[0] as string, type: 'webrtc' } });
      }
    }
    expect(impairmentOf(call.sessions).sessions).toMatchObject({ audio: 0, video: 4 });
    expect(sidesOf(call.sessions)).toEqual({ publisher: 4 });
  });
});

/** What the sender `a` says of itself, and what the receiver `b` counts of it; one beacon of each, 5 s apart. */
type Moment = {
  readonly sending?: boolean;
  readonly sourceEnergy?: number;
  readonly packetsReceived?: number;
  readonly totalAudioEnergy?: number;
  readonly totalSamplesReceived?: number;
  readonly packets_per_second?: number;
};

const SILENT_RECEIVER = { session_id: 'b', server: { url: SERVERS[0] as string, type: 'webrtc' as const } };

function say(call: Call, { sending, sourceEnergy }: Moment): void {
  call.post({
    session_id: 'a',
    peers: [],
    state: sending === undefined ? {} : { audio_sending: sending },
    sent: sourceEnergy === undefined ? {} : { audio: { totalAudioEnergy: sourceEnergy } },
  });
}

function hear(call: Call, { packets_per_second, ...heard }: Moment): void {
  const { sending: _, sourceEnergy: _e, ...audio } = heard;
  const neteq = packets_per_second === undefined ? {} : { neteq: { packets_per_second } };
  call.post({ ...SILENT_RECEIVER, peers: [{ peer_id: 'a', audio, ...neteq }] });
}

function live(call: Call, moments: readonly Moment[]): Impairment {
  for (const moment of moments) {
    say(call, moment);
    call.wait(100);
    hear(call, moment);
    call.wait(4_900);
  }
  return impairmentOf(call.sessions);
}

const NO_PACKETS: readonly Moment[] = [1, 2, 3].map(() => ({ sending: true, packetsReceived: 100 }));
const NO_ENERGY: readonly Moment[] = [1, 2, 3].map((i) => ({
  sending: true,
  sourceEnergy: i / 10,
  packetsReceived: 100 * i,
  totalAudioEnergy: 0.5,
}));

describe('silent streams', () => {
  it.each([
    ['no packets', 2, NO_PACKETS, { no_packets: 1, no_energy: 0 }],
    ['packets without energy', 2, NO_ENERGY, { no_packets: 0, no_energy: 1 }],
    [
      'packets without energy that are played',
      2,
      NO_ENERGY.map((moment, i) => ({ ...moment, totalSamplesReceived: 240_000 * i })),
      { no_packets: 0, no_energy: 1 },
    ],
    [
      'no packets, by the rate of a NetEQ client',
      1,
      [1, 2].map(() => ({ sending: true, packets_per_second: 0 })),
      { no_packets: 1, no_energy: 0 },
    ],
  ])('are those of which two beacons bring %s although the sender sends', (_, before, moments, silent) => {
    const call = createCall();
    expect(live(call, moments.slice(0, before))).toMatchObject({ sessions: { any: 0 } });
    const impairment = live(call, moments.slice(before));
    expect(impairment).toMatchObject({ silent, sessions: { any: 1, silence: 1, audio: 0 }, streams: { unknown: 1 } });
  });

  it.each<[string, readonly Moment[]]>([
    ['a muted sender sends nothing', NO_PACKETS.map((moment) => ({ ...moment, sending: false }))],
    ['the sender does not say that it sends', NO_PACKETS.map(({ sending: _, ...moment }) => moment)],
    ['a quiet person says nothing', NO_ENERGY.map((moment) => ({ ...moment, sourceEnergy: 1 }))],
    ['the sender does not report its energy', NO_ENERGY.map(({ sourceEnergy: _, ...moment }) => moment)],
    ['the receiver reports no energy', NO_ENERGY.map(({ totalAudioEnergy: _, ...moment }) => moment)],
    ['the receiver plays it nowhere', NO_ENERGY.map((moment) => ({ ...moment, totalSamplesReceived: 0 }))],
    ['the receiver reports no packets', NO_PACKETS.map(({ packetsReceived: _, ...moment }) => moment)],
    ['the counters of the receiver go back', [300, 200, 100].map((n) => ({ sending: true, packetsReceived: n }))],
    [
      'they appear and disappear',
      [100, undefined, 100].map((n) => ({ sending: true, ...(n ? { packetsReceived: n } : {}) })),
    ],
    [
      'something is heard between',
      [0.5, 0.5, 0.6, 0.6].map((totalAudioEnergy, i) => ({
        ...NO_ENERGY[0],
        sourceEnergy: i,
        packetsReceived: i,
        totalAudioEnergy,
      })),
    ],
  ])('are none when %s', (_, moments) => {
    expect(live(createCall(), moments)).toMatchObject({
      silent: { no_packets: 0, no_energy: 0 },
      sessions: { any: 0 },
    });
  });

  it('begin anew when the receiver reloads', () => {
    const call = createCall();
    live(call, [{ sending: true, packets_per_second: 0 }]);
    say(call, { sending: true });
    call.post({ ...SILENT_RECEIVER, started: 2, peers: [{ peer_id: 'a', neteq: { packets_per_second: 0 } }] });
    expect(impairmentOf(call.sessions).sessions.any).toBe(0);
  });

  it('begin anew when the sender reloads', () => {
    const call = createCall();
    live(call, NO_PACKETS.slice(0, 2));
    call.post({ session_id: 'a', started: 2, peers: [], state: { audio_sending: true } });
    hear(call, { packetsReceived: 100 });
    expect(impairmentOf(call.sessions).sessions.any).toBe(0);
  });

  it.each<[string, (call: Call) => void]>([
    ['mutes', (call) => say(call, { sending: false })],
    ['leaves', (call) => call.post({ session_id: 'a', leaving: true })],
    ['says no more whether it sends', (call) => say(call, {})],
  ])('are none at once when the sender %s', (_, happen) => {
    const call = createCall();
    expect(live(call, NO_PACKETS).sessions.any).toBe(1);
    happen(call);
    expect(impairmentOf(call.sessions)).toMatchObject({
      silent: { no_packets: 0 },
      sessions: { any: 0 },
      streams: NONE,
    });
  });

  it('are the fault of a publisher whom nobody hears', () => {
    const call = createCall();
    for (let i = 0; i < 3; i++) {
      for (const session_id of FOUR) {
        const peers = FOUR.flatMap((id): Peer[] => {
          const audio = { packetsReceived: id === 'a' ? 7 : 250 * (i + 1), packetsLost: 0 };
          return id === session_id ? [] : [{ peer_id: id, audio }];
        });
        call.post({ ...SILENT_RECEIVER, session_id, peers, state: { audio_sending: true } });
      }
      call.wait(5_000);
    }
    expect(impairmentOf(call.sessions)).toMatchObject({ silent: { no_packets: 3 }, sessions: { silence: 3 } });
    expect(sidesOf(call.sessions)).toEqual({ publisher: 3 });
  });
});

describe('a reading', () => {
  const people = Array.from({ length: 60 }, (_, i) => `p-${i}`);
  const bad = { isBad: () => true, rtt: 0.4 };

  /** Three meetings in which everything is bad, and something else that happens after each step of a reading. */
  function readWhile(happens: (call: Call, step: number) => void): { readonly steps: number; readonly any: number } {
    const call = createCall();
    for (let m = 0; m < 3; m++) call.round(`m-${m}`, people, bad);
    const reading = call.sessions.readImpairment();
    let steps = 0;
    let step = reading.next();
    for (; !step.done; step = reading.next()) {
      // One that never ends is red, and not silent.
      if (steps++ > 1_000) throw new Error('the reading does not end');
      happens(call, steps);
    }
    const [cell] = [...call.sessions.cells()];
    return { steps, any: cell ? step.value.of(cell).sessions.any : Number.NaN };
  }

  it('counts nobody twice who recovers and falls ill again while it goes on', () => {
    const { steps, any } = readWhile((call) => {
      call.round('m-0', people);
      call.round('m-0', people, bad);
    });
    expect(steps).toBeGreaterThan(5);
    expect(any).toBe(180);
  });

  it('passes over who left while it went on', () => {
    const { any } = readWhile((call, step) => {
      if (step > 1) return;
      for (const session_id of people) call.post({ meeting_id: 'm-2', session_id, leaving: true });
    });
    expect(any).toBe(120);
  });
});
