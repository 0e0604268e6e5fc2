/** Plain `RTCPeerConnection`: a connection for each peer, or one that carries all peers of an SFU. */
import type { Reporter } from '../reporter.ts';

/**
 * A mesh: each connection carries one peer. Call it right after creating the connection, so that the join is measured.
 * @param theirSessionId the `sessionId` with which the other side started its own reporter; your signalling carries it
 * @example
 * const connection = new RTCPeerConnection({ iceServers });
 * reportPeer(reporter, connection, theirSessionId);
 */
export function reportPeer(reporter: Reporter, connection: RTCPeerConnection, theirSessionId: string): void {
  reporter.addPeerConnection(connection, { peerOf: theirSessionId });
}

/** Whose media the SFU sends in each of a connection's transceivers. */
export type SfuPeers = {
  /**
   * @param mid of the transceiver, as your signalling names it
   * @param sessionId undefined: nobody's any more; an SFU gives the transceiver to somebody else later
   */
  set(mid: string, sessionId: string | undefined): void;
};

/**
 * An SFU: one connection carries all peers. Streams whose owner is not known yet are left out until it is.
 * @example
 * const peers = reportSfu(reporter, connection);
 * signalling.on('published', ({ mid, sessionId }) => peers.set(mid, sessionId));
 * signalling.on('unpublished', ({ mid }) => peers.set(mid, undefined));
 */
export function reportSfu(reporter: Reporter, connection: RTCPeerConnection): SfuPeers {
  const sessions = new Map<string, string>();
  reporter.addPeerConnection(connection, { peerOf: ({ mid = '' }) => sessions.get(mid) });
  return {
    set(mid, sessionId) {
      if (sessionId === undefined) sessions.delete(mid);
      else sessions.set(mid, sessionId);
    },
  };
}
