/** What the values of a peer are, as the store shows them after a sequence of beacons. */
import { describe, expect, it } from 'vitest';
import type { Beacon, NetEqStats, Peer } from '../../../shared/beacon.ts';
import { fullPeer, validEntry } from '../../../test/support/edge/beacon.ts';
import { MEASURE, type MeasureName } from '../../live/measures.ts';
import type { Sessions } from '../sessions.ts';
import { applyEntry, createTestSessions, NOW } from '../testing.ts';
import { meanOpinionScore } from './mos.ts';

type Figures = { readonly [Name in MeasureName]?: number };
type Step = Partial<Beacon> & { readonly afterSeconds?: number };

/** The known values of the peer after each beacon, one every 5 s. */
function figuresAfter(steps: readonly Step[]): { figures: Figures[]; sessions: Sessions } {
  const sessions = createTestSessions();
  let atMs = NOW;
  const figures = steps.map(({ afterSeconds = 5, ...beacon }, seq) => {
    atMs += afterSeconds * 1_000;
    applyEntry(sessions, 'apac', validEntry({ seq, ...beacon }, atMs));
    return knownFigures(sessions);
  });
  return { figures, sessions };
}

function knownFigures(sessions: Sessions): Figures {
  const row = sessions.meeting('m-1')?.sessions.get('s-1')?.peers[0];
  if (row === undefined) return {};
  const known = Object.entries(MEASURE).flatMap(([name, measure]) => {
    const value = name === 'rtt' ? Number.NaN : sessions.peers.value(row, measure);
    return Number.isNaN(value) ? [] : [[name, value]];
  });
  return Object.fromEntries(known);
}

function last(steps: readonly Step[]): Figures {
  return figuresAfter(steps).figures.at(-1) as Figures;
}

function audio(members: NonNullable<Peer['audio']>): Step {
  return { peers: [{ peer_id: 's-2', audio: members }] };
}

function video(members: NonNullable<Peer['video']>): Step {
  return { peers: [{ peer_id: 's-2', video: members }] };
}

function neteq(members: NetEqStats): Step {
  return { peers: [{ peer_id: 's-2', neteq: members }] };
}

describe('a peer of which everything is reported', () => {
  it('has every measure from its second beacon on, but those of NetEQ operations', () => {
    const { figures, sessions } = figuresAfter([1, 2].map((n) => ({ rtt: [0.1], peers: [fullPeer('s-2', n)] })));
    expect(figures[0]).toEqual({ audio_jitter: 0.004, video_frame_rate: 25 });
    expect(figures[1]).toEqual({
      neteq_buffer: 0.06,
      jitter_buffer_target: 0.04,
      concealment: 0.01,
      expand: 1.5,
      acceleration: 0.002,
      audio_packet_loss: 0.02,
      audio_jitter: 0.004,
      audio_mos: expect.closeTo(meanOpinionScore({ delaySeconds: 0.11, lossRatio: 0.02 }), 6),
      video_packet_loss: 0.04,
      video_freeze: 0.02,
      video_frame_rate: 25,
      video_frames_dropped: 0.05,
    });
    expect([...sessions.cells()][0]?.cumulative.videoFreezes).toBe(1);
  });
});

describe('packet loss', () => {
  it.each([
    ['is lost over lost plus received', [0, 0], [5, 95], 0.05],
    ['is zero when nothing more was lost', [4, 0], [4, 100], 0],
    ['is zero when packets that were lost came after all', [5, 100], [4, 200], 0],
    ['is one when nothing came', [0, 100], [50, 100], 1],
    ['is zero below a count that is negative', [-3, 100], [-2, 199], 0.01],
  ])('%s', (_, [lost, received], [lostNow, receivedNow], ratio) => {
    for (const [of, name] of [
      [audio, 'audio_packet_loss'],
      [video, 'video_packet_loss'],
    ] as const) {
      const figures = last([
        of({ packetsLost: lost as number, packetsReceived: received as number }),
        of({ packetsLost: lostNow as number, packetsReceived: receivedNow as number }),
      ]);
      expect(figures[name]).toBe(ratio);
    }
  });

  it('is unknown while nothing was expected', () => {
    const same = { packetsLost: 5, packetsReceived: 100 };
    expect(last([audio(same), audio(same)])).toEqual({});
    expect(last([audio(same), audio({ ...same, packetsLost: 3 })])).toEqual({});
  });

  it('that falls says nothing of the other counters', () => {
    const before = {
      packetsLost: 5,
      totalSamplesReceived: 240_000,
      concealedSamples: 9_600,
      silentConcealedSamples: 0,
    };
    const after = {
      packetsLost: 4,
      totalSamplesReceived: 480_000,
      concealedSamples: 14_400,
      silentConcealedSamples: 0,
    };
    expect(last([audio(before), audio(after)])).toMatchObject({ concealment: 0.02, expand: 2 });
  });

  it('starts from zero with the other counters of its stream, and of its stream alone', () => {
    const steps = [3, 4].map((n) => ({ peers: [fullPeer('s-2', n)] }));
    const cameraOffAndOn = { peers: [{ ...fullPeer('s-2', 5), video: fullPeer('s-2', 1).video ?? {} }] };
    const { figures, sessions } = figuresAfter([...steps, cameraOffAndOn]);
    expect(figures[2]).toMatchObject({ audio_packet_loss: 0.02, concealment: 0.01, video_packet_loss: 0.04 });
    // One freeze between the first two beacons, and one since the camera came back.
    expect([...sessions.cells()][0]?.cumulative).toMatchObject({ audioSamples: 480_000, videoFreezes: 2 });
  });
});

describe('a muted sender is no loss', () => {
  /** NetEQ of a client of its own, each 5 s: speech, then the sender mutes (Opus DTX), then speech again. */
  const RECORDED: readonly (readonly [packets: number, normal: number, expand: number, comfortNoise: number])[] = [
    [50, 99.2, 0.4, 0],
    [49.8, 98.6, 0.8, 0],
    [21.4, 44.8, 54.6, 0],
    [1.8, 0.8, 98.8, 0],
    [0.4, 0, 99.8, 0],
    [0, 0, 100, 0],
    [1.9, 0.2, 99.4, 0],
    [2, 3.2, 3.4, 92.8],
    [49.6, 98.8, 0.6, 0],
  ];
  const steps = RECORDED.map(([packets_per_second, normal, expand, comfort_noise]) => ({
    rtt: [0.08],
    ...neteq({
      buffer: 0.06,
      packets_per_second,
      operations_per_second: { normal, expand, accelerate: 0.2, comfort_noise },
    }),
  }));

  it('is shown as unknown by a NetEQ client, below two packets a second', () => {
    const { figures } = figuresAfter(steps);
    expect(figures.map(({ expand }) => expand)).toEqual([
      0.4,
      0.8,
      54.6,
      undefined,
      undefined,
      undefined,
      undefined,
      3.4,
      0.6,
    ]);
    expect(figures.map(({ concealment }) => concealment !== undefined)).toEqual(
      RECORDED.map(([packets]) => packets >= 2),
    );
    expect(figures.map(({ audio_mos }) => audio_mos !== undefined)).toEqual(RECORDED.map(([packets]) => packets >= 2));
    // What silence does not touch is still known.
    expect(figures.every(({ neteq_buffer, accelerate }) => neteq_buffer === 0.06 && accelerate === 0.2)).toBe(true);
  });

  it('takes its share of the population and its detail back, and gives it again', () => {
    const [speech, , , muted] = steps as [Step, Step, Step, Step];
    const sessions = createTestSessions();
    const [row, cell] = [
      () => sessions.meeting('m-1')?.sessions.get('s-1')?.peers[0] as number,
      () => [...sessions.cells()][0],
    ];
    const counts = [speech, muted, speech].map((step, seq) => {
      applyEntry(sessions, 'apac', validEntry({ seq, ...step }, NOW + 5_000 * seq));
      const isExpandShown = !Number.isNaN(sessions.peers.operation(row(), 1));
      const contributing = [MEASURE.expand, MEASURE.concealment].map((measure) => cell()?.live[measure]?.count);
      return [isExpandShown, contributing, sessions.budget.used];
    });
    const [used] = counts.map(([, , budget]) => budget as number);
    expect(counts).toEqual([
      [true, [1, 1], used],
      [false, [0, 0], (used as number) - 2],
      [true, [1, 1], used],
    ]);
  });

  it('is not assumed of a client that does not say how many packets come', () => {
    expect(last([neteq({ operations_per_second: { expand: 99 } })])).toMatchObject({ expand: 99, concealment: 0.99 });
  });

  it('needs no gate with W3C counters, as Chromium counts with usedtx and the track muted', () => {
    // A second: 5 packets, 48,000 samples of which none is concealed, 4,800 emitted, no energy.
    const muted = (seconds: number) =>
      audio({
        packetsReceived: 1_000 + 5 * seconds,
        packetsLost: 3,
        totalSamplesReceived: 960_000 + 48_000 * seconds,
        concealedSamples: 4_800,
        silentConcealedSamples: 960,
        jitterBufferEmittedCount: 950_000 + 4_800 * seconds,
        jitterBufferDelay: 57_000 + 288 * seconds,
        totalAudioEnergy: 0.4,
        jitter: 0.002,
      });
    const { figures } = figuresAfter([0, 5, 10].map((seconds) => ({ rtt: [0.08], ...muted(seconds) })));
    for (const one of figures.slice(1)) {
      expect(one).toMatchObject({ concealment: 0, expand: 0, audio_packet_loss: 0, neteq_buffer: 0.06 });
      expect(one.audio_mos).toBeCloseTo(4.41, 2);
    }
  });
});

describe('without silentConcealedSamples', () => {
  it('audible concealment is unknown, and all concealment is known', () => {
    const counters = (n: number) => audio({ totalSamplesReceived: 240_000 * n, concealedSamples: 4_800 * n });
    expect(last([counters(1), counters(2)])).toEqual({ expand: 2 });
  });
});

describe('the freeze ratio', () => {
  const frozen = (seconds: number, afterSeconds: number): Step => ({
    afterSeconds,
    ...video({ totalFreezesDuration: seconds }),
  });

  it.each([
    [5, 0.1],
    [2.5, 0.2],
    [20, 0.025],
    // A freeze counts when it ends, and may have begun before.
    [0.5, 1],
    [0.4, undefined],
    [0, undefined],
    [-1, undefined],
  ])('of 0.5 s more after %s s is %s', (afterSeconds, ratio) => {
    expect(last([frozen(3, 0), frozen(3.5, afterSeconds)]).video_freeze).toBe(ratio);
  });

  it('counts the time since the beacon before that changed the values, though a late one came between', () => {
    const sessions = createTestSessions();
    applyEntry(sessions, 'apac', validEntry({ seq: 0, ...frozen(0, 0) }, NOW));
    // In the spool for longer than the TTL.
    applyEntry(sessions, 'apac', validEntry({ seq: 1, ...frozen(1, 0) }, NOW + 16_000), NOW + 47_000);
    applyEntry(sessions, 'apac', validEntry({ seq: 2, ...frozen(2, 0) }, NOW + 20_000), NOW + 48_000);
    expect(knownFigures(sessions).video_freeze).toBe(0.1);
  });
});

describe('a hidden page', () => {
  it('has no figures of video, and none of the time that it was hidden once it is shown again', () => {
    const peers = (n: number, frozenSeconds: number) => {
      const peer = fullPeer('s-2', n);
      return { peers: [{ ...peer, video: { ...peer.video, freezeCount: n, totalFreezesDuration: frozenSeconds } }] };
    };
    const { figures, sessions } = figuresAfter([
      peers(1, 0),
      { ...peers(2, 0.5), state: { visible: true } },
      { ...peers(3, 0.5), state: { visible: false } },
      { ...peers(4, 6), state: { visible: true } },
      { ...peers(5, 6.5), state: { visible: true } },
    ]);
    const ofVideo = figures.map((one) => Object.keys(one).filter((name) => name.startsWith('video')));
    const all = ['video_packet_loss', 'video_freeze', 'video_frame_rate', 'video_frames_dropped'];
    expect(ofVideo).toEqual([['video_frame_rate'], all, [], ['video_frame_rate'], all]);
    expect([figures[1]?.video_freeze, figures[4]?.video_freeze]).toEqual([0.1, 0.1]);
    expect(figures[2]).toMatchObject({ audio_packet_loss: 0.02, concealment: 0.01 });
    expect([...sessions.cells()][0]?.cumulative.videoFreezes).toBe(2);
  });
});

describe('MOS', () => {
  const heard = (n: number) => fullPeer('s-2', n).audio as NonNullable<Peer['audio']>;
  const mosOf = (change: (members: NonNullable<Peer['audio']>) => NonNullable<Peer['audio']>, rtt: number[]) =>
    last([1, 2].map((n) => ({ rtt, ...audio(change(heard(n))) }))).audio_mos;

  it('is of half the RTT and the buffer, and of the packet loss', () => {
    const expected = meanOpinionScore({ delaySeconds: 0.26, lossRatio: 0.02 });
    expect(mosOf((members) => members, [0.9, 0.4])).toBeCloseTo(expected, 6);
  });

  it('takes the concealment for the loss where packets are not counted', () => {
    const uncounted = ({ packetsLost: _, ...rest }: NonNullable<Peer['audio']>) => rest;
    const expected = meanOpinionScore({ delaySeconds: 0.26, lossRatio: 0.01 });
    expect(mosOf(uncounted, [0.4])).toBeCloseTo(expected, 6);
  });

  it.each([
    ['the RTT', (members: NonNullable<Peer['audio']>) => members, []],
    ['the buffer', ({ jitterBufferDelay: _, ...rest }: NonNullable<Peer['audio']>) => rest, [0.4]],
    [
      'both loss and concealment',
      ({ packetsLost: _, silentConcealedSamples: _s, ...rest }: NonNullable<Peer['audio']>) => rest,
      [0.4],
    ],
  ])('is unknown without %s', (_, change, rtt) => {
    expect(mosOf(change, rtt)).toBeUndefined();
  });
});
