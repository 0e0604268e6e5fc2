/** What each episode of the timetable does, and to whose beacons, judged by the system's objectives. */
import { beforeAll, describe, expect, it } from 'vitest';
import { OBJECTIVES } from '../shared/objectives.ts';
import type { Posting } from './fleet.ts';
import { INCIDENT } from './incident.ts';
import { isAll, isQuiet, lossOf, play, START_MS, type Step, type Stream, stepsOf, streamsOf } from './testing.ts';
import { EPISODES, type EpisodeKind, suffers } from './timetable.ts';

let sent: Posting[];
let steps: Step[];

beforeAll(() => {
  sent = play({ seed: 7, forMs: 360_000 }).sent;
  steps = stepsOf(sent).filter(({ after }) => !after.beacon.leaving);
});

function during(kind: EpisodeKind): { target: string; streams: Stream[] } {
  const target = EPISODES.find((episode) => episode.kind === kind)?.target ?? '';
  return { target, streams: streamsOf(steps.filter((step) => isAll(kind, step))) };
}

/** As the aggregator judges it; undefined where it is unknown, for example for a muted sender. */
function isBad({ audio, peer: { neteq } }: Stream): boolean | undefined {
  if (neteq) {
    if ((neteq.packets_per_second ?? 0) < 2) return undefined;
    return (neteq.operations_per_second?.expand ?? 0) > OBJECTIVES.expand.bad;
  }
  return audio && (lossOf(audio) > OBJECTIVES.audio_packet_loss.bad || expandOf(audio) > OBJECTIVES.expand.bad);
}

function expandOf({ concealedSamples, totalSamplesReceived }: NonNullable<Stream['audio']>): number {
  return (100 * concealedSamples) / totalSamplesReceived;
}

function shareBad(streams: readonly Stream[]): number {
  const judged = streams.map(isBad).filter((bad) => bad !== undefined);
  expect(judged.length).toBeGreaterThan(10);
  return judged.filter(Boolean).length / judged.length;
}

describe('without an episode', () => {
  it('nobody has a bad stream', () => {
    const quiet = streamsOf(steps.filter(isQuiet));
    expect(quiet.length).toBeGreaterThan(500);
    expect(shareBad(quiet)).toBe(0);
    for (const { video, seconds } of quiet) {
      if (video) expect(video.totalFreezesDuration / seconds).toBeLessThan(OBJECTIVES.video_freeze.warn);
    }
  });
});

describe('the incident', () => {
  const isHit = ({ region, atMs }: Posting) =>
    region === INCIDENT.region && suffers('incident', region, atMs - START_MS);

  it('raises the RTT of its region to 280-320 ms and of no other', () => {
    let hits = 0;
    for (const beacon of sent) {
      for (const seconds of beacon.beacon.rtt ?? []) {
        if (isHit(beacon)) hits++;
        if (isHit(beacon)) expect(seconds >= 0.28 && seconds <= 0.32).toBe(true);
        else expect(seconds).toBeLessThan(0.15);
      }
    }
    expect(hits).toBeGreaterThan(100);
  });

  it('makes NetEQ expand 15-25 times a second, in rates and in counters', () => {
    const hit = during('incident').streams.filter(({ receiver }) => isHit(receiver));
    const rates = hit.flatMap(({ peer: { neteq } }) =>
      (neteq?.packets_per_second ?? 0) < 2 ? [] : (neteq?.operations_per_second?.expand ?? []),
    );
    expect(rates.length).toBeGreaterThan(20);
    for (const rate of rates) expect(rate >= 15 && rate <= 25).toBe(true);
    const counted = hit.flatMap(({ audio, seconds }) =>
      audio && audio.packetsReceived + audio.packetsLost > 49 * seconds ? expandOf(audio) : [],
    );
    expect(counted.length).toBeGreaterThan(20);
    for (const rate of counted) expect(rate >= 14.9 && rate <= 25.1).toBe(true);
  });

  it('leaves the people of other regions alone', () => {
    const others = during('incident').streams.filter(
      ({ receiver }) => !isHit(receiver) && receiver.beacon.session_id !== 'demo-02-host',
    );
    expect(shareBad(others)).toBe(0);
  });
});

describe('a bad uplink', () => {
  it('affects all who receive that person, and nobody else', () => {
    const { target, streams } = during('uplink');
    expect(shareBad(streams.filter(({ from }) => from === target))).toBe(1);
    expect(shareBad(streams.filter(({ from }) => from !== target))).toBe(0);
  });

  it('loses the same share of audio and of video at all of them', () => {
    const { target, streams } = during('uplink');
    const lossy = streams.filter(({ from, audio }) => from === target && audio);
    expect(lossy.length).toBeGreaterThan(10);
    for (const { audio, video } of lossy) {
      expect(lossOf(audio as NonNullable<typeof audio>)).toBeCloseTo(0.2, 1);
      expect(lossOf(video as NonNullable<typeof video>)).toBeCloseTo(0.2, 1);
    }
  });
});

describe('a bad uplink, at its own end', () => {
  it('shows in what the person reports of its sending', () => {
    const target = 'demo-08-host';
    const sending = steps.filter((step) => isAll('uplink', step) && step.after.beacon.session_id === target);
    expect(sending.length).toBeGreaterThan(5);
    for (const { before, after } of sending) {
      for (const kind of ['audio', 'video'] as const) {
        const [earlier, later] = [before.beacon.sent?.[kind], after.beacon.sent?.[kind]];
        const packets = (later?.packetsSent ?? 0) - (earlier?.packetsSent ?? 0);
        expect(packets).toBeGreaterThan(200);
        expect(((later?.packetsLost ?? 0) - (earlier?.packetsLost ?? 0)) / packets).toBeCloseTo(0.2, 1);
      }
      expect(after.beacon.sent?.video?.qualityLimitationReason).toBe('bandwidth');
    }
  });
});

describe('a bad downlink', () => {
  it('makes all streams of one person bad, and no others', () => {
    const { target, streams } = during('downlink');
    const isIncident = ({ region }: Posting) => region === INCIDENT.region;
    expect(shareBad(streams.filter(({ receiver }) => receiver.beacon.session_id === target))).toBe(1);
    expect(
      shareBad(streams.filter(({ receiver }) => receiver.beacon.session_id !== target && !isIncident(receiver))),
    ).toBe(0);
  });
});

describe('an overloaded server', () => {
  it('makes all streams of its sessions bad, in several meetings, and no others', () => {
    const { target, streams } = during('server');
    const isOn = ({ receiver }: Stream) => new URL(receiver.beacon.server?.url ?? '').hostname === target;
    expect(shareBad(streams.filter((stream) => isOn(stream) && stream.from !== 'demo-05-host'))).toBe(1);
    expect(shareBad(streams.filter((stream) => !isOn(stream) && stream.from !== 'demo-05-host'))).toBe(0);
    const hurt = streams.filter(isOn).map(({ receiver }) => receiver.beacon);
    expect(new Set(hurt.map(({ session_id }) => session_id)).size).toBeGreaterThan(12);
    expect(new Set(hurt.map(({ meeting_id }) => meeting_id)).size).toBeGreaterThan(3);
  });
});

describe('one-way silence', () => {
  it('lets no packet through', () => {
    const { target, streams } = during('no_packets');
    const silenced = streams.filter(({ from }) => from === target);
    expect(silenced.length).toBeGreaterThan(20);
    for (const { audio, peer } of silenced) {
      expect(audio?.packetsReceived ?? peer.neteq?.packets_per_second).toBe(0);
    }
  });

  it('or lets packets through without sound and without loss', () => {
    const { target, streams } = during('no_energy');
    const silenced = streams.filter(({ from, audio }) => from === target && audio);
    expect(silenced.length).toBeGreaterThan(10);
    for (const { audio, seconds } of silenced) {
      expect(audio?.totalAudioEnergy).toBe(0);
      expect(audio?.packetsReceived).toBeGreaterThan(48 * seconds);
    }
  });

  it.each(['no_packets', 'no_energy'] as const)(
    '(%s) is of somebody who says that there is something to hear',
    (kind) => {
      const { target } = during(kind);
      const speaking = steps.filter((step) => isAll(kind, step) && step.after.beacon.session_id === target);
      expect(speaking.length).toBeGreaterThan(5);
      for (const { before, after } of speaking) {
        expect(after.beacon.state?.audio_sending).toBe(true);
        const energy =
          (after.beacon.sent?.audio?.totalAudioEnergy ?? 0) - (before.beacon.sent?.audio?.totalAudioEnergy ?? 0);
        expect(energy).toBeGreaterThan(1e-3);
      }
    },
  );

  it('happens to nobody else', () => {
    for (const kind of ['no_packets', 'no_energy'] as const) {
      const { target, streams } = during(kind);
      for (const { from, audio } of streams)
        if (from !== target && audio) expect(audio.packetsReceived).toBeGreaterThan(0);
    }
  });
});

describe('joins that fail', () => {
  const failed = () => sent.filter(({ beacon: { join } }) => join && join.result !== 'ok');

  it('are many at ICE in the region of the episode, and few of any kind elsewhere', () => {
    const isEpisode = ({ region, atMs }: Posting) => suffers('joins', region, atMs - START_MS);
    const [inside, outside] = [failed().filter(isEpisode), failed().filter((beacon) => !isEpisode(beacon))];
    expect(inside.length).toBeGreaterThan(10);
    expect(new Set(inside.map(({ beacon }) => beacon.join?.result))).toEqual(new Set(['ice']));
    expect(outside.length).toBeGreaterThan(3);
    expect(outside.length).toBeLessThan(40);
    expect(new Set(outside.map(({ beacon }) => beacon.join?.result)).size).toBeGreaterThan(1);
  });

  it('are one beacon of a session that nobody receives', () => {
    const ids = new Set(failed().map(({ beacon }) => beacon.session_id));
    expect(sent.filter(({ beacon }) => ids.has(beacon.session_id)).length).toBe(ids.size);
    expect(sent.flatMap(({ beacon }) => beacon.peers).some(({ peer_id }) => ids.has(peer_id))).toBe(false);
    for (const { beacon } of failed()) expect(beacon).toMatchObject({ seq: 0, peers: [], started: expect.any(Number) });
  });
});
