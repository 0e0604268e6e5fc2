/**
 * Members of a beacon from the `getStats()` reports of the session's connections: peers, path, and what is sent. A peer's
 * counters continue across its streams: several tracks add up, and a stream that restarts, with another SSRC or after a
 * renegotiation, continues where the last one ended. Pure: the clock is an argument.
 */
import { AUDIO_MAX, type Beacon, isId, type Peer, VIDEO_MAX } from '../shared/beacon.ts';
import { SENT_AUDIO, SENT_VIDEO } from '../shared/session-members.ts';
import type { Rtt } from './rtt.ts';
import { addDifferences, type Numbers, pickNumbers, type Stat, type StatsReport } from './stats.ts';

/** What identifies a received stream's peer. */
export type ReceivedStream = {
  readonly kind: 'audio' | 'video';
  /** The `id` of the `MediaStreamTrack`. */
  readonly trackIdentifier?: string;
  /** Of the transceiver. */
  readonly mid?: string;
  readonly ssrc?: number;
};

/** The peer's id, which is its own `sessionId` where the application knows it; undefined leaves the stream out. */
export type PeerOf = (stream: ReceivedStream) => string | undefined;

/** The newest report of a connection, under a key that stays the same. */
export type ConnectionReport = { readonly key: string; readonly report: StatsReport; readonly peerOf: PeerOf };

export type Collection = Pick<Beacon, 'path' | 'sent'> & {
  /** One for each peer from which a stream is received now. */
  readonly peers: Peer[];
};

/** RTT goes to the samples of {@link Rtt}. */
export type Collect = (reports: readonly ConnectionReport[], nowMs: number) => Collection;

type Kind = 'audio' | 'video';
type Media = { [kind in Kind]?: Numbers };
type Limitation = (typeof SENT_VIDEO.qualityLimitationReason)[number];

/** Ended streams are remembered too, since they may come back; beyond this number the oldest are forgotten. */
const STREAMS_MAX = 1_024;
const RECEIVED = { audio: AUDIO_MAX, video: VIDEO_MAX };
const SENT = { audio: SENT_AUDIO, video: SENT_VIDEO };
/** Members that are not counters: of several streams, the largest is used. */
const GAUGES = { audio: 'jitter', video: 'framesPerSecond' };
/** The worst first. */
const LIMITATIONS: readonly Limitation[] = ['cpu', 'bandwidth', 'other', 'none'];

/** @example createCollect(createRtt())([{ key: '0', report: await pc.getStats(), peerOf: () => 'bo-1' }], performance.now()) */
export function createCollect(rtt: Rtt): Collect {
  const streams = new Map<string, Numbers>();
  const sentTotals = { audio: {}, video: {} };
  let peerTotals = new Map<string, Media>();

  /** Adds the differences of the stream's counters to the totals. */
  function follow(key: string, now: Numbers, totals: Numbers): void {
    addDifferences(totals, now, streams.get(key) ?? {});
    // The streams seen last are last in the map.
    streams.delete(key);
    streams.set(key, now);
  }

  return (reports, nowMs) => {
    const received = new Map<string, Media>();
    const sent: Media = {};
    const sources = new Set<unknown>();
    const pairs = new Map<string, Stat>();
    const locals = new Map<string | undefined, Stat | undefined>();
    let limitation = LIMITATIONS.length;

    function readReceived(stat: Stat, key: string, peerOf: PeerOf): void {
      const kind = stat.kind as Kind;
      const peerId = peerOf(stat as Stat & ReceivedStream);
      // The worker would reject the whole beacon for an invalid id.
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
        // In a mesh all connections have the same source, which must count once.
        if (type === 'media-source' && !sources.has(trackIdentifier)) {
          sources.add(trackIdentifier);
          readSent(stat, `${trackIdentifier}`);
        }
        // The transport names the pair; Firefox has no transport, and marks the pair instead.
        if (selectedCandidatePairId) pair = report.get(selectedCandidatePairId as string);
        if (selected) pair = stat;
      }
      if (pair) {
        const pairKey = `${key} ${pair.id}`;
        pairs.set(pairKey, pair);
        locals.set(pairKey, report.get(pair.localCandidateId as string));
      }
    }
    peerTotals = received;
    for (const key of streams.keys()) if (streams.size > STREAMS_MAX) streams.delete(key);
    const local = locals.get(rtt.read(pairs, nowMs)) ?? [...locals.values()][0];
    const { audio, video } = sent;
    return {
      peers: [...received].map(([peer_id, media]) => ({ peer_id, ...media })),
      path: local && pathOf(local),
      sent: (audio || video) && {
        audio: audio && { ...audio },
        video: video && { ...video, qualityLimitationReason: LIMITATIONS[limitation] },
      },
    } as Collection;
  };
}

/** Whether a path is a relay is decided by the local candidate. */
function pathOf({ candidateType, protocol, relayProtocol }: Stat): Beacon['path'] {
  return { candidate_type: candidateType, protocol: relayProtocol ?? protocol } as Beacon['path'];
}
