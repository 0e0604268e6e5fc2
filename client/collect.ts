/**
 * Members of a beacon from the `getStats()` reports of the session's connections: peers, path, and what is sent. Counters
 * of a peer go on over its streams: several tracks add up, and a stream that begins anew, with another SSRC or after a
 * renegotiation, goes on where the last one ended. Pure: the clock is an argument.
 */
import { AUDIO_MAX, type Beacon, isId, type Peer, VIDEO_MAX } from '../shared/beacon.ts';
import { SENT_AUDIO, SENT_VIDEO } from '../shared/session-members.ts';
import type { Rtt } from './rtt.ts';
import { addDifferences, type Numbers, pickNumbers, type Stat, type StatsReport } from './stats.ts';

/** A received stream, as far as it helps to tell whose it is. */
export type ReceivedStream = {
  readonly kind: 'audio' | 'video';
  /** The `id` of the `MediaStreamTrack`. */
  readonly trackIdentifier?: string;
  /** Of the transceiver. */
  readonly mid?: string;
  readonly ssrc?: number;
};

/** The peer's id, which is its own `sessionId` where the application can know it; undefined: nobody's. */
export type PeerOf = (stream: ReceivedStream) => string | undefined;

/** The newest report of a connection, which has the same key every time. */
export type ConnectionReport = { readonly key: string; readonly report: StatsReport; readonly peerOf: PeerOf };

export type Collection = Pick<Beacon, 'path' | 'sent'> & {
  /** One for each peer of which a stream is received now. */
  readonly peers: Peer[];
};

/** What it measures of RTT goes to the samples. */
export type Collect = (reports: readonly ConnectionReport[], nowMs: number) => Collection;

type Kind = 'audio' | 'video';
type Media = { [kind in Kind]?: Numbers };
type Limitation = (typeof SENT_VIDEO.qualityLimitationReason)[number];

/** Streams that ended are remembered too, since they may come back; beyond these the oldest are forgotten. */
const STREAMS_MAX = 1_024;
const RECEIVED = { audio: AUDIO_MAX, video: VIDEO_MAX };
const SENT = { audio: SENT_AUDIO, video: SENT_VIDEO };
/** What is no counter: of several streams, the largest. */
const GAUGES = { audio: 'jitter', video: 'framesPerSecond' };
/** The worst first. */
const LIMITATIONS: readonly Limitation[] = ['cpu', 'bandwidth', 'other', 'none'];

/** @example createCollect(createRtt())([{ key: '0', report: await pc.getStats(), peerOf: () => 'bo-1' }], performance.now()) */
export function createCollect(rtt: Rtt): Collect {
  const streams = new Map<string, Numbers>();
  const sentTotals = { audio: {}, video: {} };
  let peerTotals = new Map<string, Media>();

  /** Adds what the stream's counters moved by to the totals. */
  function follow(key: string, now: Numbers, totals: Numbers): void {
    addDifferences(totals, now, streams.get(key) ?? {});
    // Those seen last are the last in the map.
    streams.delete(key);
    streams.set(key, now);
  }

  return (reports, nowMs) => {
    const received = new Map<string, Media>();
    const sent: Media = {};
    const sources = new Set<unknown>();
    const pairs = new Map<string, Stat>();
    const paths = new Map<string | undefined, Beacon['path']>();
    let limitation = LIMITATIONS.length;

    function readReceived(stat: Stat, key: string, peerOf: PeerOf): void {
      const kind = stat.kind as Kind;
      const peerId = peerOf(stat as Stat & ReceivedStream);
      // An id that the worker rejects would cost the whole beacon.
      if (!isId(peerId)) return;
      const peer = received.get(peerId) ?? {};
      received.set(peerId, peer);
      const gauge = GAUGES[kind];
      if (!peer[kind]) {
        const { [gauge]: _, ...counters } = peerTotals.get(peerId)?.[kind] ?? {};
        peer[kind] = counters;
      }
      const { [gauge]: value, ...counters } = pickNumbers(stat, RECEIVED[kind]);
      follow(key, counters, peer[kind]);
      if (value !== undefined) peer[kind][gauge] = Math.max(value, peer[kind][gauge] ?? 0);
    }

    function readSent(stat: Stat, key: string): void {
      const kind = stat.kind as Kind;
      sent[kind] = sentTotals[kind];
      follow(key, pickNumbers(stat, SENT[kind]), sent[kind]);
      const place = LIMITATIONS.indexOf(stat.qualityLimitationReason as Limitation);
      if (place >= 0) limitation = Math.min(limitation, place);
    }

    for (const { key, report, peerOf } of reports) {
      let pair: Stat | undefined;
      for (const stat of report.values()) {
        const { type, trackIdentifier, selectedCandidatePairId, selected } = stat;
        const streamKey = `${key} ${stat.id} ${stat.ssrc}`;
        if (type === 'inbound-rtp') readReceived(stat, streamKey, peerOf);
        if (type === 'outbound-rtp' || type === 'remote-inbound-rtp') readSent(stat, streamKey);
        // In a mesh each connection has the same source, which is one voice all the same.
        if (type === 'media-source' && !sources.has(trackIdentifier)) {
          sources.add(trackIdentifier);
          readSent(stat, `${trackIdentifier}`);
        }
        // The transport names it; Firefox, which has none here, says it of the pair.
        if (selectedCandidatePairId) pair = report.get(selectedCandidatePairId as string);
        if (selected) pair = stat;
      }
      if (pair) {
        const pairKey = `${key} ${pair.id}`;
        pairs.set(pairKey, pair);
        paths.set(pairKey, pathOf(report.get(pair.localCandidateId as string)));
      }
    }
    peerTotals = received;
    for (const key of streams.keys()) if (streams.size > STREAMS_MAX) streams.delete(key);
    const path = paths.get(rtt.read(pairs, nowMs)) ?? [...paths.values()][0];
    const { audio, video } = sent;
    return {
      peers: [...received].map(([peer_id, media]) => ({ peer_id, ...media })),
      path,
      sent: (audio || video) && {
        audio: audio && { ...audio },
        video: video && { ...video, qualityLimitationReason: LIMITATIONS[limitation] },
      },
    } as Collection;
  };
}

/** Whether a path is a relay is decided by the local candidate. */
function pathOf(local: Stat | undefined): Beacon['path'] {
  if (!local) return undefined;
  const { candidateType, protocol, relayProtocol } = local;
  return { candidate_type: candidateType, protocol: relayProtocol ?? protocol } as Beacon['path'];
}
