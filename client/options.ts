/** What a page tells the reporter, and what it can ask of it: the types of the package. */
import type { Beacon, Peer, Server } from '../shared/beacon.ts';
import type { PeerOf } from './collect.ts';
import type { Join } from './join.ts';

export type Platform = NonNullable<NonNullable<Beacon['client']>['platform']>;

export type ReporterOptions = {
  /** Where edgepulse's worker is, for example `https://edge.example.com`. */
  readonly endpoint: string;
  /** A JWT of this session, from your own backend. */
  readonly token: string;
  /** Ids match `[A-Za-z0-9_.-]{1,64}`; these two are those of the token. */
  readonly meetingId: string;
  readonly sessionId: string;
  /** Who it is: one person may hold several sessions. */
  readonly participantId?: string;
  /** Asked once for each beacon whose token is rejected, for example because it expired in mid-call. Nothing is sent meanwhile. */
  readonly refreshToken?: () => string | Promise<string>;
  /** Default: `web`. A native shell around a page says what it is. */
  readonly platform?: Platform;
  /** The share of sessions that report, from 0 to 1, decided once for this session's life. Default: 1. */
  readonly sampleRate?: number;
  /** `false`: collects and sends nothing until `start()`, for example until there is consent. */
  readonly autoStart?: boolean;
  /** Sees each beacon before it goes, and returns what may go, or undefined for nothing. Where it throws, nothing goes. */
  readonly beforeSend?: (beacon: Beacon) => Beacon | undefined;
  /** The worker rejected a beacon: `reason` is one of docs/wire-format.md. For your own log. */
  readonly onRejected?: (rejection: { readonly status: number; readonly reason: string }) => void;
};

/** What only the application knows. A member that is there replaces what was said of it before. */
export type Knowledge = {
  /** The media server that was elected. */
  readonly server?: Server;
  /** What this client sends, where no peer connection tells, or better than it does. */
  readonly state?: NonNullable<Beacon['state']>;
  /** How joining went, where no peer connection tells. */
  readonly join?: Join;
};

/** None of these throws, whatever is passed, before `start()` and after `stop()` too. */
export type Reporter = {
  /**
   * Collects of this connection until it is closed. Add it right after it is made, so that the join is measured.
   * @param options.peerOf whose the received streams are: the peer's `sessionId`, or for a connection that carries many
   *   peers a function. Default: the connection is one peer, with its number for a name
   */
  addPeerConnection(connection: RTCPeerConnection, options?: { readonly peerOf?: string | PeerOf }): void;
  /** An RTT to the server in seconds, from a client with a transport of its own. */
  reportRtt(seconds: number): void;
  /** Figures of a peer, from a client with a media stack of its own, every 5 s or sooner: after 15 s they are dropped. Undefined: the peer is gone. */
  reportPeer(peerId: string, figures: Omit<Peer, 'peer_id'> | undefined): void;
  update(knowledge: Knowledge): void;
  /** Sends a beacon now rather than when one is due, though never within a second of the last one. */
  flush(): void;
  /** Begins, with `autoStart: false`. */
  start(): void;
  /** Says that the session ends, and is gone. */
  stop(): void;
};
