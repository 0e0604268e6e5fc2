/** Which sessions, peers and meetings have detail series under the limit. */
import type { Peer } from '../../../shared/beacon.ts';
import { OBJECTIVES } from '../../../shared/objectives.ts';
import { type Figures, operationsOf } from './figures.ts';
import { figuresOfPeers, type Living, rttOf } from './living.ts';
import type { SeriesLimit } from './series-limit.ts';

export type Detail = {
  /** A session has a new beacon, or is new. @param was what it was before */
  update(session: Living, was: Living | undefined): void;
  /** It does not live any more. */
  remove(session: Living): void;
};

export function createDetail(series: SeriesLimit, living: ReadonlyMap<string, Living>): Detail {
  function releaseMeetingIfEmpty(was: Living): void {
    const owner = ofMeeting(was);
    if (![...living.values()].some((one) => ofMeeting(one) === owner)) series.release(owner);
  }

  return {
    /** In this order: the meeting, then all of the session. */
    update(session, was) {
      series.need(ofMeeting(session), 1);
      if (was) {
        releaseMeetingIfEmpty(was);
        // What it left may be the room that was missing.
        series.need(ofMeeting(session), 1);
      }
      const ofPeers = figuresOfPeers(session).map((figures, i) => detailOf(figures, session.newest.peers[i] as Peer));
      const count = ofPeers.reduce((sum, { length }) => sum + length, session.newest.rtt?.length ? 1 : 0);
      series.need(ofSession(session), count, isImpaired(session));
    },
    remove(session) {
      series.release(ofSession(session));
      releaseMeetingIfEmpty(session);
    },
  };
}

/** Owners of detail series. */
export function ofMeeting({ region, newest }: Living): string {
  return `meeting ${region} ${newest.meeting_id}`;
}

export function ofSession({ key }: Living): string {
  return `session ${key}`;
}

/** A detail series of a peer: the family, the operation where the family has one, and the value. */
type PeerSample = { readonly family: string; readonly operation?: string; readonly value: number };

/** The default series: what on-call reads first. */
export function detailOf({ neteq_buffer, concealment, audio_packet_loss }: Figures, peer: Peer): PeerSample[] {
  const figures = {
    edgepulse_peer_neteq_buffer_seconds: neteq_buffer,
    edgepulse_peer_concealment_ratio: concealment,
    edgepulse_peer_audio_packet_loss_ratio: audio_packet_loss,
  };
  return [
    ...Object.entries(figures).flatMap(([family, value]) => (value === undefined ? [] : { family, value })),
    ...operationsOf(peer)
      .filter(([operation]) => operation === 'expand' || operation === 'accelerate')
      .map(([operation, value]) => ({ family: 'edgepulse_peer_neteq_operations_per_second', operation, value })),
  ];
}

const STREAM_OBJECTIVES = ['concealment', 'expand', 'audio_packet_loss', 'video_packet_loss', 'video_freeze'] as const;

/** Past an objective: its own RTT, or a stream that it receives. Nobody here says that it sends, so that nobody is silent. */
function isImpaired(session: Living): boolean {
  const rtt = rttOf(session);
  if (rtt !== undefined && rtt > OBJECTIVES.rtt.bad) return true;
  return figuresOfPeers(session).some((figures) =>
    STREAM_OBJECTIVES.some((name) => (figures[name] ?? 0) > OBJECTIVES[name].bad),
  );
}
