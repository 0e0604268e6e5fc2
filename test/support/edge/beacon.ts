/** Valid inputs with overrides, for every test that needs a beacon or a batch. */
import type { Entry } from '../../../shared/batch.ts';
import type { Beacon, Peer } from '../../../shared/beacon.ts';
import type { ForwarderCounters } from '../../../shared/forwarder-counters.ts';
import type { SessionMembers } from '../../../shared/session-members.ts';

/** A beacon that the decoder accepts as it is. */
export function validBeacon(overrides: Partial<Beacon> = {}): Beacon {
  return {
    v: 1,
    meeting_id: 'm-1',
    session_id: 's-1',
    participant_id: 'p-1',
    seq: 0,
    server: { url: 'https://media-apac-1.example.com', type: 'webtransport' },
    rtt: [0.081, 0.079],
    peers: [
      {
        peer_id: 's-2',
        audio: {
          jitterBufferDelay: 120.5,
          jitterBufferEmittedCount: 1_440_000,
          jitterBufferTargetDelay: 90.5,
          concealedSamples: 2_400,
          silentConcealedSamples: 400,
          insertedSamplesForDeceleration: 300,
          removedSamplesForAcceleration: 900,
          totalSamplesReceived: 1_440_000,
          totalAudioEnergy: 0.62,
          packetsReceived: 1_500,
          packetsLost: 3,
          jitter: 0.004,
        },
      },
    ],
    client: { platform: 'web', engine: 'chromium' },
    state: { visible: true, audio_sending: true, video_sending: false },
    path: { candidate_type: 'host', protocol: 'udp' },
    connection: { failures: 0, ice_restarts: 0 },
    sent: { audio: { packetsSent: 1_500, packetsLost: 2, totalAudioEnergy: 0.5 } },
    ...overrides,
  };
}

/**
 * A peer of a W3C client with every measure but NetEQ's own known from its second beacon on: 1 % of the audio is audibly
 * concealed, 2 % of the audio packets and 4 % of the video packets are lost, 5 % of the frames are dropped, and the video
 * is frozen for 0.1 s in 5.
 * @param n number of the beacon, one every 5 s
 */
export function fullPeer(peer_id: string, n: number): Peer {
  return {
    peer_id,
    audio: {
      jitterBufferDelay: 14_400 * n,
      jitterBufferEmittedCount: 240_000 * n,
      jitterBufferTargetDelay: 9_600 * n,
      concealedSamples: 3_600 * n,
      silentConcealedSamples: 1_200 * n,
      insertedSamplesForDeceleration: 240 * n,
      removedSamplesForAcceleration: 480 * n,
      totalSamplesReceived: 240_000 * n,
      totalAudioEnergy: 0.05 * n,
      packetsReceived: 245 * n,
      packetsLost: 5 * n,
      jitter: 0.004,
    },
    video: {
      framesPerSecond: 25,
      framesDecoded: 114 * n,
      framesDropped: 6 * n,
      freezeCount: n,
      totalFreezesDuration: n / 10,
      packetsReceived: 480 * n,
      packetsLost: 20 * n,
    },
  };
}

/**
 * What a session says about itself, all of it known from its second beacon on: it joined in 0.8 s, sends audio and video
 * limited by the CPU, and loses 2 % of its audio.
 * @param n number of the beacon
 */
export function fullSelfReport(n: number): SessionMembers {
  return {
    client: { platform: 'ios', engine: 'native' },
    state: { visible: true, audio_sending: true, video_sending: true },
    path: { candidate_type: 'relay', protocol: 'tls' },
    connection: { failures: n, ice_restarts: 2 * n },
    join: { result: 'ok', seconds: 0.8, first_audio_seconds: 1.1, first_video_seconds: 1.4 },
    sent: {
      audio: { packetsSent: 250 * n, packetsLost: 5 * n, totalAudioEnergy: 0.05 * n },
      video: { packetsSent: 500 * n, packetsLost: 20 * n, qualityLimitationReason: 'cpu' },
    },
  };
}

export function validEntry(overrides: Partial<Beacon> = {}, receivedAtMs = 1_800_000_000_000): Entry {
  return { receivedAtMs, colo: 'SIN', beacon: validBeacon(overrides) };
}

/** Counters of a Forwarder that has done nothing yet. */
export function forwarderCounters(overrides: Partial<ForwarderCounters> = {}): ForwarderCounters {
  return {
    slot: 0,
    epoch: 'epoch-1',
    sentAtMs: 1_800_000_000_000,
    topology: 'topology-1',
    via: '',
    accepted: 0,
    rejected: {},
    spooled: 0,
    drained: 0,
    droppedExpired: 0,
    droppedFull: 0,
    droppedUnpublishable: 0,
    inSpool: 0,
    publishErrors: 0,
    jwksErrors: 0,
    overloadedCalls: 0,
    publishSeconds: { buckets: new Array(12).fill(0), sum: 0 },
    isFirst: false,
    ...overrides,
  };
}

/** An id as long as those of real clients, which are UUIDs: 36 characters. V8 keeps shorter and longer texts in other ways. */
export function longId(prefix: string, number: number): string {
  return `${prefix}-${String(number).padStart(34, '0')}`;
}
