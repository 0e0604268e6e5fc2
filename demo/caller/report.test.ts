/** What holds for the figures at any time. episodes.test.ts tests what the episodes do to them. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Posting } from '../fleet.ts';
import { lossOf, play, type Step, type Stream, stepsOf, streamsOf } from '../testing.ts';

let sent: Posting[];
let steps: Step[];
let streams: Stream[];

beforeAll(() => {
  sent = play({ seed: 7, forMs: 360_000 }).sent;
  steps = stepsOf(sent);
  streams = streamsOf(steps);
});

const audios = () => streams.flatMap(({ audio, ...stream }) => (audio ? [{ ...stream, audio }] : []));
const videos = () => streams.flatMap(({ video, ...stream }) => (video ? [{ ...stream, video }] : []));
const isMuted = ({ audio, seconds }: { audio: { packetsReceived: number }; seconds: number }) =>
  audio.packetsReceived > 0 && audio.packetsReceived / seconds < 7;
const isSpeaking = ({ audio, seconds }: { audio: { packetsReceived: number; packetsLost: number }; seconds: number }) =>
  audio.packetsReceived + audio.packetsLost > 49 * seconds;
const isWhole = ({ seconds }: Stream | { seconds: number }) => seconds > 4;

describe('W3C counters', () => {
  it('never fall', () => {
    expect(audios().length).toBeGreaterThan(1_000);
    expect(videos().length).toBeGreaterThan(500);
    const falls = (stats: object, gauge: string) =>
      Object.entries(stats).filter(([name, value]) => name !== gauge && value < 0);
    expect(audios().flatMap(({ audio }) => falls(audio, 'jitter'))).toEqual([]);
    expect(videos().flatMap(({ video }) => falls(video, 'framesPerSecond'))).toEqual([]);
  });

  it('play as many samples as there was time, and of a speaker those that are not concealed', () => {
    for (const { audio, seconds } of audios().filter(isWhole)) {
      expect(audio.totalSamplesReceived / seconds / 48_000).toBeCloseTo(1, 1);
      expect(audio.silentConcealedSamples).toBeLessThanOrEqual(audio.concealedSamples);
    }
    const speakers = audios().filter((stream) => isWhole(stream) && isSpeaking(stream));
    expect(speakers.length).toBeGreaterThan(500);
    for (const { audio } of speakers) {
      const heard = audio.totalSamplesReceived - audio.concealedSamples;
      expect(audio.jitterBufferEmittedCount / heard).toBeCloseTo(1, 1);
    }
  });

  it('of a muted sender are those of DTX: a few packets, nothing concealed, no energy', () => {
    const muted = audios().filter((stream) => isWhole(stream) && isMuted(stream));
    expect(muted.length).toBeGreaterThan(500);
    for (const { audio, seconds } of muted.filter(({ audio }) => audio.totalAudioEnergy === 0)) {
      expect((audio.packetsReceived + audio.packetsLost) / seconds).toBeCloseTo(5, 0);
      expect(audio.concealedSamples).toBe(0);
      expect(audio.jitterBufferEmittedCount / audio.totalSamplesReceived).toBeCloseTo(0.1, 2);
    }
    const silent = muted.filter(({ audio }) => audio.totalAudioEnergy === 0);
    expect(silent.length).toBeGreaterThan(muted.length * 0.9);
  });

  it('agree between the receivers of a sender on what it sent', () => {
    // Receivers of the same person since the same moment: the hosts, whom everybody receives from the beginning.
    const last = Map.groupBy(sent, ({ beacon }) => beacon.session_id);
    let compared = 0;
    for (const beacons of last.values()) {
      const host = beacons.at(-1)?.beacon.peers.find(({ peer_id }) => peer_id === 'demo-03-host');
      if (!host?.audio) continue;
      compared++;
      const first = beacons.find(({ beacon }) => beacon.peers.some(({ peer_id }) => peer_id === 'demo-03-host'));
      const seconds = ((beacons.at(-1)?.atMs ?? 0) - (first?.atMs ?? 0)) / 1000;
      const { packetsReceived = 0, packetsLost = 0 } = host.audio;
      expect(Math.abs(packetsReceived + packetsLost - 50 * seconds)).toBeLessThanOrEqual(4);
    }
    expect(compared).toBeGreaterThan(2);
  });

  it('conceal what was lost and what came too late', () => {
    const speakers = audios().filter((stream) => isSpeaking(stream) && stream.audio.packetsLost > 10);
    expect(speakers.length).toBeGreaterThan(50);
    for (const { audio } of speakers) {
      expect(audio.concealedSamples / audio.totalSamplesReceived).toBeGreaterThan(lossOf(audio) * 0.8);
    }
  });

  it('freeze the picture when packets are lost, and only then', () => {
    for (const { video, seconds } of videos().filter(isWhole)) {
      if (video.packetsReceived === 0) continue;
      const frozen = video.totalFreezesDuration / seconds;
      // A hidden page decodes nothing, so that nothing freezes.
      if (video.framesDecoded === 0) expect(frozen).toBe(0);
      else if (lossOf(video) > 0.05) expect(frozen).toBeGreaterThan(0.05);
      else if (lossOf(video) < 0.015) expect(frozen).toBe(0);
    }
    expect(videos().some(({ video }) => video.freezeCount > 0)).toBe(true);
    expect(videos().some(({ video }) => video.framesDecoded === 0 && video.packetsReceived > 0)).toBe(true);
  });
});

describe('NetEQ rates', () => {
  const rates = () => sent.flatMap(({ beacon }) => beacon.peers).flatMap(({ neteq }) => neteq ?? []);

  it('add up to a hundred decisions a second', () => {
    expect(rates().length).toBeGreaterThan(1_000);
    for (const { operations_per_second: operations = {} } of rates()) {
      expect(Object.values(operations).reduce((sum, rate) => sum + rate, 0)).toBeCloseTo(100, 2);
    }
  });

  it('expand all the time when next to nothing comes from a muted sender', () => {
    const muted = rates().filter(({ packets_per_second = 0 }) => packets_per_second < 2);
    expect(muted.length).toBeGreaterThan(300);
    for (const { operations_per_second } of muted) expect(operations_per_second?.expand).toBeGreaterThan(95);
  });

  it('otherwise expand as often as packets are missing', () => {
    for (const { packets_per_second = 0, operations_per_second } of rates()) {
      if (packets_per_second < 2) continue;
      const missing = 1 - packets_per_second / 50;
      expect(operations_per_second?.expand).toBeGreaterThanOrEqual(100 * missing - 0.01);
      expect(operations_per_second?.expand).toBeLessThan(26);
    }
  });
});

describe('what a session says of itself', () => {
  const sessions = () => [...Map.groupBy(sent, ({ beacon }) => beacon.session_id).values()];
  const joined = () => sessions().filter(([first]) => first?.beacon.join?.result === 'ok');

  it('begins with its join, once, and keeps when it started', () => {
    expect(joined().length).toBeGreaterThan(80);
    for (const beacons of joined()) {
      expect(beacons.filter(({ beacon }) => beacon.join).length).toBe(1);
      expect(new Set(beacons.map(({ beacon }) => beacon.started)).size).toBe(1);
      const [first] = beacons as [Posting];
      const { seconds = 0, first_audio_seconds = seconds, first_video_seconds = seconds } = first.beacon.join ?? {};
      expect(seconds).toBeGreaterThan(0.15);
      expect(seconds).toBeLessThan(3);
      expect(Math.min(first_audio_seconds, first_video_seconds)).toBeGreaterThanOrEqual(seconds);
      expect(first.atMs - (first.beacon.started ?? 0)).toBeGreaterThanOrEqual(seconds * 1000 - 1);
    }
  });

  it('has a candidate pair and W3C counters of its sending with WebRTC, and with nothing else', () => {
    for (const { beacon } of joined().flat()) {
      const isWebrtc = beacon.server?.type === 'webrtc';
      for (const member of [beacon.path, beacon.connection, beacon.sent]) expect(member !== undefined).toBe(isWebrtc);
      expect(beacon.client).toBeDefined();
    }
  });

  it('has a few people behind relays, over TCP and TLS too', () => {
    const paths = joined().flatMap(([first]) => first?.beacon.path ?? []);
    const relays = paths.filter(({ candidate_type }) => candidate_type === 'relay');
    expect(relays.length / paths.length).toBeGreaterThan(0.05);
    expect(relays.length / paths.length).toBeLessThan(0.25);
    expect(relays.some(({ protocol }) => protocol !== 'udp')).toBe(true);
  });

  it('says who is muted, as the packets do that it sends', () => {
    const sending = steps.flatMap(({ before, after }) => {
      const [earlier, later] = [before.beacon.sent?.audio, after.beacon.sent?.audio];
      const seconds = (after.atMs - before.atMs) / 1000;
      if (!earlier || !later || seconds < 4) return [];
      const rate = ((later.packetsSent ?? 0) - (earlier.packetsSent ?? 0)) / seconds;
      const energy = (later.totalAudioEnergy ?? 0) - (earlier.totalAudioEnergy ?? 0);
      return [{ rate, energy, isSending: after.beacon.state?.audio_sending }];
    });
    expect(sending.filter(({ isSending }) => !isSending).length).toBeGreaterThan(200);
    for (const { rate, energy, isSending } of sending) {
      expect(rate).toBeCloseTo(isSending ? 50 : 5, 0);
      expect(energy > 0).toBe(isSending);
    }
  });

  it('says which pages are hidden, and those decode no video', () => {
    const hidden = videos().filter(({ receiver }) => receiver.beacon.state?.visible === false);
    expect(hidden.length).toBeGreaterThan(100);
    for (const { video } of hidden) expect(video.framesDecoded).toBe(0);
  });

  it('counts failed connections, which happen now and then', () => {
    const changes = steps.map(
      ({ before, after }) => (after.beacon.connection?.failures ?? 0) - (before.beacon.connection?.failures ?? 0),
    );
    expect(Math.min(...changes)).toBe(0);
    expect(Math.max(...changes)).toBe(1);
  });
});
