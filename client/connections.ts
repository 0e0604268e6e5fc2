/** The session's peer connections: their reports, how joining went, failures and ICE restarts, what is being sent. */
import type { Beacon } from '../shared/beacon.ts';
import type { ConnectionReport, PeerOf } from './collect.ts';
import type { JoinLog } from './join.ts';
import type { StatsReport } from './stats.ts';

export type ConnectionsOptions = {
  readonly join: JoinLog;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Something happened that should be known soon. */
  readonly onUrgent: () => void;
  /** Ends all listening. */
  readonly signal: AbortSignal;
};

export type Connections = {
  /** @param peerOf default: the connection is one peer, with its number for a name */
  add(connection: RTCPeerConnection, peerOf: string | PeerOf | undefined): void;
  /** The newest report of each connection that is open. */
  collect(): Promise<ConnectionReport[]>;
  /** How many are open. */
  readonly count: number;
  readonly wasConnected: boolean;
  /** What a beacon says of them. */
  describe(): Pick<Beacon, 'connection' | 'state'>;
};

type Entry = { readonly key: string; readonly connection: RTCPeerConnection; readonly peerOf: PeerOf };

export function createConnections({ join, now, onUrgent, signal }: ConnectionsOptions): Connections {
  let entries: Entry[] = [];
  let added = 0;
  let wasConnected = false;
  let failures = 0;
  let ice_restarts = 0;

  function watchTrack(track: MediaStreamTrack): void {
    // A received track is muted until its first packet.
    const onMedia = () => join.firstMedia(track.kind, now());
    if (track.muted) track.addEventListener('unmute', onMedia, { signal, once: true });
    else onMedia();
  }

  function watch(connection: RTCPeerConnection): void {
    let ufrag: string | undefined;
    function onState(): void {
      const { connectionState, iceConnectionState } = connection;
      const isFailed = connectionState === 'failed';
      if (isFailed) failures++;
      else if (connectionState !== 'connected') return;
      // ICE that works leaves DTLS, which runs over it.
      join.end(isFailed ? (/^co/.test(iceConnectionState) ? 'dtls' : 'ice') : 'ok', now());
      if (isFailed || !wasConnected) onUrgent();
      wasConnected ||= !isFailed;
    }
    function onSignaling(): void {
      const [current] = /ice-ufrag.*/.exec(connection.currentLocalDescription?.sdp ?? '') ?? [];
      if (ufrag && current !== ufrag) ice_restarts++;
      ufrag = current;
    }
    onState();
    onSignaling();
    connection.addEventListener('connectionstatechange', onState, { signal });
    connection.addEventListener('signalingstatechange', onSignaling, { signal });
    connection.addEventListener('track', ({ track }) => watchTrack(track), { signal });
    for (const { track } of connection.getReceivers()) watchTrack(track);
  }

  return {
    add(connection, peerOf) {
      // One that is connected joined before anybody looked: how long that took is not known.
      if (connection.connectionState !== 'connected') join.begin(now());
      watch(connection);
      // Only now: what is no connection has thrown by then, and must not be asked every second.
      const key = `${added++}`;
      entries.push({
        key,
        connection,
        peerOf(stream) {
          try {
            return typeof peerOf === 'function' ? peerOf(stream) : (peerOf ?? key);
          } catch {
            // The application's mapping failed, which must not silence the rest.
            return undefined;
          }
        },
      });
    },
    collect() {
      entries = entries.filter(({ connection }) => connection.connectionState !== 'closed');
      return Promise.all(
        entries.map(async ({ key, connection, peerOf }) => {
          // One that can't tell must not silence the others.
          const report: StatsReport = await connection.getStats().catch(() => new Map());
          return { key, report, peerOf };
        }),
      );
    },
    get count() {
      return entries.length;
    },
    get wasConnected() {
      return wasConnected;
    },
    describe() {
      if (!added) return {};
      const state = { audio_sending: false, video_sending: false };
      for (const { connection } of entries) {
        for (const { sender, currentDirection } of connection.getTransceivers()) {
          const { track } = sender;
          if (track?.enabled && !track.muted && track.readyState === 'live' && /^send/.test(currentDirection ?? '')) {
            state[`${track.kind as 'audio' | 'video'}_sending`] = true;
          }
        }
      }
      return { connection: { failures, ice_restarts }, state };
    },
  };
}
