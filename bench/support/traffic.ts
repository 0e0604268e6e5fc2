/**
 * Batches as Forwarders publish them, for a given number of sessions: by default each with three
 * peers, counters that grow by what a client counts in 5 s, half of the sessions W3C clients with
 * every audio counter of the beacon, half of them NetEQ clients with every rate, all with every video member.
 */

import { encodeEntry, joinBatch } from '../../shared/batch.ts';
import type { Peer } from '../../shared/beacon.ts';
import { decodeBeacon } from '../../shared/beacon.ts';
import type { SessionMembers } from '../../shared/session-members.ts';
import { longId } from '../../test/support/edge/beacon.ts';

export const PEERS = 3;
export const BATCH = 50;
const SAMPLES = 240_000;
export const BENCH_SERVER = 'https://media-apac-1.example.com';

export type Traffic = {
  readonly sessions: number;
  /** Number of the first session; default 0. */
  readonly first?: number;
  /** Which clients: W3C counters, NetEQ rates, or every other one. */
  readonly clients?: 'w3c' | 'neteq' | 'mixed';
  /** One RTT sample, no video, and only the audio members for buffer, concealment and acceleration; default: every member. */
  readonly lean?: boolean;
  /** People in a meeting; default 4. */
  readonly meeting?: number;
  /** How many of them each person receives; default all others, at most {@link PEERS}. */
  readonly peers?: number;
  /** Ids as long as UUIDs, which is what products use; default: a few characters. */
  readonly longIds?: boolean;
  /** Origins of the media servers, a meeting on each in turn; default {@link BENCH_SERVER}. */
  readonly servers?: readonly string[];
  /** Every so many sessions have a bad RTT and hear everybody badly; default none. */
  readonly badEvery?: number;
  /** Beacons of a message; default {@link BATCH}. */
  readonly batch?: number;
};

/** The batches of one round: one beacon of each session. @param round the beacons' `seq` */
export function* batchesOf(
  traffic: Traffic,
  round: number,
  receivedAtMs: () => number,
): Generator<Uint8Array, void, void> {
  const { first = 0, batch = BATCH } = traffic;
  const end = first + traffic.sessions;
  for (let from = first; from < end; from += batch) {
    const entries: Uint8Array[] = [];
    for (let i = from; i < Math.min(from + batch, end); i++) {
      entries.push(entryOf(traffic, i, round, receivedAtMs()));
    }
    const accepted = round * traffic.sessions + from - first + entries.length;
    yield joinBatch({ slot: 0, epoch: `from-${first}`, accepted, sentAtMs: receivedAtMs() }, entries);
  }
}

function entryOf(traffic: Traffic, i: number, round: number, receivedAtMs: number): Uint8Array {
  const { clients = 'mixed', lean = false, meeting: people = 4, servers = [BENCH_SERVER] } = traffic;
  const id = traffic.longIds ? longId : (prefix: string, number: number) => `${prefix}-${number}`;
  const meeting = Math.floor(i / people);
  const isNetEq = clients === 'neteq' || (clients === 'mixed' && i % 2 === 1);
  const isBad = traffic.badEvery !== undefined && i % traffic.badEvery === 0;
  const peers = Array.from({ length: traffic.peers ?? Math.min(PEERS, people - 1) }, (_, k) => {
    const peer_id = id('s', meeting * people + ((i + k + 1) % people));
    const peer = isNetEq ? netEqPeer(peer_id, i + k, round, isBad) : w3cPeer(peer_id, i + k, round, isBad);
    return lean ? leanPeer(peer) : { ...peer, video: videoOf(i + k, round) };
  });
  const decoded = decodeBeacon({
    v: 1,
    meeting_id: id('m', meeting),
    session_id: id('s', i),
    participant_id: id('p', i),
    seq: round,
    server: { url: servers[meeting % servers.length] as string, type: 'webtransport' },
    rtt: [
      ...(lean ? [] : [0.081, 0.0795, 0.0802, 0.0833]),
      rounded((isBad ? 0.26 : 0.08) + ((i * 7919 + round * 104729) % 1000) / 10_000),
    ],
    peers,
    ...(lean ? {} : sessionMembers(i, round)),
  });
  if (!decoded.ok) throw new Error(decoded.detail);
  return encodeEntry({ receivedAtMs, colo: 'SIN', beacon: decoded.value });
}

function sessionMembers(i: number, round: number): SessionMembers {
  const packetsSent = 250 * (round + 1) + (i % 100);
  return {
    client: { platform: i % 3 === 0 ? 'ios' : 'web', engine: i % 3 === 0 ? 'native' : 'chromium' },
    state: { visible: true, audio_sending: i % 4 !== 0, video_sending: true },
    path: { candidate_type: i % 8 === 0 ? 'relay' : 'host', protocol: 'udp' },
    connection: { failures: 0, ice_restarts: i % 50 === 0 ? 1 : 0 },
    ...(round === 0 && { join: { result: 'ok', seconds: 0.8, first_audio_seconds: 1.1, first_video_seconds: 1.4 } }),
    sent: {
      audio: { packetsSent, packetsLost: Math.floor(packetsSent / 200), totalAudioEnergy: packetsSent / 1e4 },
      video: { packetsSent: 3 * packetsSent, packetsLost: 2 + round, qualityLimitationReason: 'none' },
    },
  };
}

function w3cPeer(peer_id: string, i: number, round: number, isBad: boolean): Peer {
  const total = SAMPLES * (round + 1) + i;
  return {
    peer_id,
    audio: {
      jitterBufferDelay: rounded(total * 0.08 + (i % 100)),
      jitterBufferEmittedCount: total - 960,
      jitterBufferTargetDelay: rounded(total * 0.06),
      concealedSamples: Math.floor(total / (isBad ? 10 : 50)) + ((i * round) % 1000),
      silentConcealedSamples: Math.floor(total / 200),
      insertedSamplesForDeceleration: 300 * (round + 1),
      removedSamplesForAcceleration: 400 * (round + 1),
      totalSamplesReceived: total,
      totalAudioEnergy: total / 9e6,
      packetsReceived: Math.floor(total / 960),
      packetsLost: 3 + round,
      jitter: rounded(0.004 + (i % 50) / 1e4),
    },
  };
}

function netEqPeer(peer_id: string, i: number, round: number, isBad: boolean): Peer {
  const expand = ((i + round) % 40) / 10 + (isBad ? 20 : 0);
  return {
    peer_id,
    neteq: {
      buffer: rounded(0.06 + ((i + round) % 50) / 1000),
      target_delay: rounded(0.04 + (i % 20) / 1000),
      packets_per_second: 50,
      operations_per_second: {
        normal: rounded(98 - expand),
        expand,
        accelerate: 0.6,
        fast_accelerate: 0,
        preemptive_expand: 0.4,
        merge: 0.4,
        comfort_noise: 0,
      },
    },
  };
}

function videoOf(i: number, round: number): NonNullable<Peer['video']> {
  const frames = 125 * (round + 1);
  return {
    framesPerSecond: rounded(25 - ((i + round) % 30) / 10),
    framesDecoded: frames - Math.floor(((i % 10) * frames) / 500),
    framesDropped: Math.floor(((i % 10) * frames) / 500),
    freezeCount: round,
    totalFreezesDuration: rounded((round * (i % 100)) / 200),
    packetsReceived: 600 * (round + 1) + i,
    packetsLost: Math.floor(((i + round) % 40) * (round + 1)),
  };
}

/** A client that reports no packets, no energy, no video and no other operations. */
function leanPeer({ peer_id, audio, neteq }: Peer): Peer {
  if (audio) {
    const { packetsReceived: _r, packetsLost: _l, totalAudioEnergy: _e, jitter: _j, ...rest } = audio;
    const { jitterBufferTargetDelay: _t, ...kept } = rest;
    return { peer_id, audio: kept };
  }
  const { expand = 0, accelerate = 0, fast_accelerate = 0 } = neteq?.operations_per_second ?? {};
  return {
    peer_id,
    neteq: { buffer: neteq?.buffer ?? 0, operations_per_second: { expand, accelerate, fast_accelerate } },
  };
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
