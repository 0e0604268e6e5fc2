/** Which sessions, peers and meetings have detail series under the limit. */
import { type Figures, operationsOf } from './figures.ts';
import { figuresOfPeers, type Living } from './living.ts';
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
    /** In the order in which they come: the meeting, the session's RTT, its peers; those that went make room afterwards. */
    update(session, was) {
      series.need(ofMeeting(session), 1);
      if (was) {
        releaseMeetingIfEmpty(was);
        // What it left may be the room that was missing.
        series.need(ofMeeting(session), 1);
      }
      series.need(ofSession(session), session.newest.rtt?.length ? 1 : 0);
      const ofPeers = figuresOfPeers(session);
      for (const [i, peer] of session.newest.peers.entries()) {
        const { neteq_buffer, concealment } = ofPeers[i] as Figures;
        const shown = [neteq_buffer, concealment].filter((figure) => figure !== undefined);
        series.need(ofPeer(session, peer.peer_id), shown.length + operationsOf(peer).length);
      }
      for (const { peer_id } of was?.newest.peers ?? []) {
        const isThere = session.newest.peers.some((peer) => peer.peer_id === peer_id);
        if (!isThere) series.release(ofPeer(session, peer_id));
      }
    },
    remove(session) {
      series.release(ofSession(session));
      for (const { peer_id } of session.newest.peers) series.release(ofPeer(session, peer_id));
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

export function ofPeer({ key }: Living, peerId: string): string {
  return `peer ${key} ${peerId}`;
}
