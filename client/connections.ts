/** The session's peer connections: their reports, how joining went, failures and ICE restarts, what is being sent. */
import type { Beacon } from '../shared/beacon.ts';
import type { ConnectionReport, PeerOf } from './collect.ts';
import type { JoinLog } from './join.ts';
import type { StatsReport } from './stats.ts';

/**
 * What is read of an `RTCPeerConnection`. A library that keeps its connections to itself may show as much, so that an
 * object with these members can take the place of one.
 */
export type Connection = {
  /** `RTCPeerConnectionState`; of others it matters only that they are others. */
  readonly connectionState: string;
  readonly iceConnectionState?: string;
  readonly currentLocalDescription?: { readonly sdp: string } | null;
  getStats(): Promise<StatsReport>;
  getReceivers(): readonly { readonly track: MediaStreamTrack }[];
  /** What is sent in each. */
  getTransceivers(): readonly {
    readonly sender: Sender;
    readonly currentDirection: string | null;
  }[];
  /** For `connectionstatechange`, `signalingstatechange` and `track`. */
  addEventListener(type: string, listener: (event: Event) => void, options: { readonly signal: AbortSignal }): void;
};

export type Sender = {
  readonly track: MediaStreamTrack | null;
  /** Without it, or without encodings, what the track has is sent. */
  readonly getParameters?: () => { readonly encodings?: readonly { readonly active?: boolean }[] };
};

export type ConnectionsOptions = {
  readonly join: JoinLog;
  /** A monotonic clock in ms. */
  readonly now: () => number;
  /** Something happened that should be known soon. */
  readonly onUrgent: () => void;
  /** Removes all listeners. */
  readonly signal: AbortSignal;
};

export type Connections = {
  /** @param peerOf default: the connection is one peer, named by its number */
  add(connection: Connection, peerOf: string | PeerOf | undefined): void;
  /** The newest report of each connection that is open. */
  collect(): Promise<ConnectionReport[]>;
  /** How many are open. */
  readonly count: number;
  readonly wasConnected: boolean;
  /** What a beacon says about them. */
  describe(): Pick<Beacon, 'connection' | 'state'>;
};

type Entry = { readonly key: string; readonly connection: Connection; readonly peerOf: PeerOf };

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

  function watch(connection: Connection): void {
    let ufrag: string | undefined;
    function onState(): void {
      const { connectionState, iceConnectionState } = connection;
      const isFailed = connectionState === 'failed';
      if (isFailed) failures++;
      else if (connectionState !== 'connected') return;
      // When ICE is connected, it was DTLS that failed.
      join.end(isFailed ? (/^co/.test(iceConnectionState as string) ? 'dtls' : 'ice') : 'ok', now());
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
    connection.addEventListener('track', (event) => watchTrack((event as RTCTrackEvent).track), { signal });
    for (const { track } of connection.getReceivers()) watchTrack(track);
  }

  return {
    add(connection, peerOf) {
      // Added twice, its packets would count twice.
      if (entries.some((entry) => entry.connection === connection)) return;
      // A connection that is already connected joined earlier: how long that took is unknown.
      if (connection.connectionState !== 'connected') join.begin(now());
      watch(connection);
      // Only now: something that isn't a connection has thrown by then, and must not be queried every second.
      const key = `${added++}`;
      entries.push({
        key,
        connection,
        peerOf(stream) {
          try {
            return typeof peerOf === 'function' ? peerOf(stream) : (peerOf ?? key);
          } catch {
            // The application's mapping failed, which must not affect the other streams.
            return undefined;
          }
        },
      });
    },
    collect() {
      entries = entries.filter(({ connection }) => connection.connectionState !== 'closed');
      return Promise.all(
        entries.map(async ({ key, connection, peerOf }) => {
          // One that fails must not affect the others.
          let report: StatsReport = new Map();
          try {
            report = await connection.getStats();
          } catch {}
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
          const isLive = track?.enabled && !track.muted && track.readyState === 'live';
          if (isLive && /^send/.test(currentDirection ?? '') && isEncoding(sender)) {
            state[`${track.kind as 'audio' | 'video'}_sending`] = true;
          }
        }
      }
      return { connection: { failures, ice_restarts }, state };
    },
  };
}

/** Some applications mute by making every encoding inactive. */
function isEncoding(sender: Sender): boolean {
  const encodings = sender.getParameters?.().encodings;
  return !encodings?.length || encodings.some(({ active }) => active);
}
