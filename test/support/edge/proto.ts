/** edgepulse.proto as protobufjs reads it, an implementation that is not ours: what our codec is held to. */
import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import type { Entry } from '../../../shared/batch.ts';
import type { Beacon, Peer } from '../../../shared/beacon.ts';
import type { ForwarderCounters } from '../../../shared/forwarder-counters.ts';

const source = readFileSync(new URL('../../../shared/edgepulse.proto', import.meta.url), 'utf8');
/** shared/edgepulse.proto. */
export const { root: PROTO } = protobuf.parse(source, { keepCase: true });

export type ProtoMessage = 'Batch' | 'Entry' | 'ForwarderCounters';
type Fields = { [name: string]: unknown };

export function encodeProto(name: ProtoMessage, fields: Fields): Uint8Array {
  const type = PROTO.lookupType(`edgepulse.v1.${name}`);
  const problem = type.verify(fields);
  if (problem) throw new Error(problem);
  return type.encode(type.fromObject(fields)).finish();
}

/** The fields that the message has, by the names of the .proto file. */
export function decodeProto(name: ProtoMessage, data: Uint8Array): Fields {
  const type = PROTO.lookupType(`edgepulse.v1.${name}`);
  return type.toObject(type.decode(data), { longs: Number });
}

/** An entry by the names and units of the .proto file. */
export function protoEntry({ receivedAtMs, colo, beacon }: Entry): Fields {
  return { received_at_ms: receivedAtMs, ...(colo && { colo }), beacon: protoBeacon(beacon) };
}

const SERVER_TYPES = { webtransport: 1, websocket: 2, webrtc: 3 };
const PLATFORMS = { web: 1, ios: 2, android: 3, desktop: 4, other: 5 };
const ENGINES = { chromium: 1, gecko: 2, webkit: 3, native: 4, other: 5 };
const CANDIDATE_TYPES = { host: 1, srflx: 2, prflx: 3, relay: 4 };
const PROTOCOLS = { udp: 1, tcp: 2, tls: 3 };
const JOIN_RESULTS = { ok: 1, signaling: 2, ice: 3, dtls: 4, media: 5 };
const QUALITY_LIMITATION_REASONS = { none: 1, cpu: 2, bandwidth: 3, other: 4 };

function protoBeacon({ v: _, participant_id, rtt, server, peers, client, path, join, sent, ...rest }: Beacon): Fields {
  return {
    ...(client && {
      client: {
        ...(client.platform && { platform: PLATFORMS[client.platform] }),
        ...(client.engine && { engine: ENGINES[client.engine] }),
      },
    }),
    ...(path && {
      path: {
        ...(path.candidate_type && { candidate_type: CANDIDATE_TYPES[path.candidate_type] }),
        ...(path.protocol && { protocol: PROTOCOLS[path.protocol] }),
      },
    }),
    ...(join && { join: protoJoin(join) }),
    ...(sent && { sent: protoSent(sent) }),
    ...rest,
    ...(participant_id !== rest.session_id && { participant_id }),
    ...(server && { server: { url: server.url, type: SERVER_TYPES[server.type] } }),
    ...(rtt && { rtt_us: rtt.map((seconds) => Math.round(seconds * 1e6)) }),
    ...(peers.length > 0 && { peers: peers.map(protoPeer) }),
  };
}

function protoJoin({ result, ...times }: NonNullable<Beacon['join']>): Fields {
  return {
    ...(result && { result: JOIN_RESULTS[result] }),
    ...Object.fromEntries(Object.entries(times).map(([name, value]) => [`${name}_milli`, Math.round(value * 1e3)])),
  };
}

function protoSent({ audio, video }: NonNullable<Beacon['sent']>): Fields {
  const { qualityLimitationReason: reason, ...counters } = video ?? {};
  return {
    ...(audio && { audio }),
    ...(video && {
      video: { ...counters, ...(reason && { qualityLimitationReason: QUALITY_LIMITATION_REASONS[reason] }) },
    }),
  };
}

function protoPeer({ peer_id, audio, neteq, video }: Peer): Fields {
  const { jitter, ...counters } = audio ?? {};
  const { buffer, target_delay, packets_per_second, operations_per_second } = neteq ?? {};
  const { framesPerSecond, ...frames } = video ?? {};
  return {
    peer_id,
    ...(audio && {
      audio: { ...counters, ...(jitter !== undefined && { jitter_us: Math.round(jitter * 1e6) }) },
    }),
    ...(neteq && {
      neteq: {
        ...(buffer !== undefined && { buffer_us: Math.round(buffer * 1e6) }),
        ...(target_delay !== undefined && { target_delay_us: Math.round(target_delay * 1e6) }),
        ...(packets_per_second !== undefined && { packets_per_second_milli: Math.round(packets_per_second * 1e3) }),
        ...(operations_per_second && {
          operations_per_second: Object.fromEntries(
            Object.entries(operations_per_second).map(([name, rate]) => [`${name}_milli`, Math.round(rate * 1e3)]),
          ),
        }),
      },
    }),
    ...(video && {
      video: {
        ...frames,
        ...(framesPerSecond !== undefined && { framesPerSecond_milli: Math.round(framesPerSecond * 1e3) }),
      },
    }),
  };
}

/** Counters by the names of the .proto file; zeros and empty texts are absent there. */
export function protoCounters({ publishSeconds, rejected, isFirst, ...counters }: ForwarderCounters): Fields {
  const fields = Object.entries(counters).filter(([, value]) => value !== 0 && value !== '');
  return {
    ...Object.fromEntries(fields.map(([name, value]) => [snakeCase(name), value])),
    ...(isFirst && { first: true }),
    ...(Object.keys(rejected).length > 0 && { rejected }),
    publish_seconds: { buckets: publishSeconds.buckets, ...(publishSeconds.sum !== 0 && { sum: publishSeconds.sum }) },
  };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
