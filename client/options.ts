/** The options and methods of the reporter: the types of the package. */
import type { Beacon, Peer, Server } from '../shared/beacon.ts';
import type { PeerOf } from './collect.ts';
import type { Connection } from './connections.ts';
import type { Join } from './join.ts';

export type Platform = NonNullable<NonNullable<Beacon['client']>['platform']>;

export type ReporterOptions = {
  /** Where edgepulse's worker is, for example `https://edge.example.com`. */
  readonly endpoint: string;
  /** A JWT of this session, from your own backend. */
  readonly token: string;
  /** Ids match `[A-Za-z0-9_.-]{1,64}`; these two must equal the token's. */
  readonly meetingId: string;
  readonly sessionId: string;
  /** Who it is: one person may have several sessions. Default: `sessionId`. */
  readonly participantId?: string;
  /** Called once for each beacon whose token is rejected, for example because it expired during the call; returns a new token. Nothing is sent meanwhile. */
  readonly refreshToken?: () => string | Promise<string>;
  /** For a native app that shows the page. Default: `web`. */
  readonly platform?: Platform;
  /** The share of sessions that report, from 0 to 1; decided once per session. Default: 1. */
  readonly sampleRate?: number;
  /** With `false`, nothing is collected or sent until `start()`, for example until there is consent. */
  readonly autoStart?: boolean;
  /** Receives a copy of each beacon, which it may change, and returns what to send. If it returns undefined or throws, nothing is sent. */
  readonly beforeSend?: (beacon: Beacon) => Beacon | undefined;
  /** Called when the worker rejects a beacon, for your own log. docs/wire-format.md lists the reasons. */
  readonly onRejected?: (rejection: { readonly status: number; readonly reason: string }) => void;
};

/** What only the application knows. Each member that is present replaces its earlier value. */
export type Knowledge = {
  /** The media server that was elected. */
  readonly server?: Server;
  /** What this client sends, where no peer connection shows it, or overriding what it shows. */
  readonly state?: NonNullable<Beacon['state']>;
  /** How joining went, where no peer connection shows it. */
  readonly join?: Join;
};

/** None of these throws, whatever is passed, even before `start()` and after `stop()`. */
export type Reporter = {
  /**
   * Collects from this connection until it is closed. Add it right after creating it, so that the join is measured; once
   * more changes nothing.
   * @param options.peerOf the peer that received streams belong to: its `sessionId`, or, for a connection that carries
   *   many peers, a function. Default: the connection is one peer, named by its number
   */
  addPeerConnection(connection: Connection, options?: { readonly peerOf?: string | PeerOf }): void;
  /** An RTT to the server in seconds, from a client with a transport of its own. */
  reportRtt(seconds: number): void;
  /** Figures of a peer, from a client with a media stack of its own. Report them at least every 5 s: after 15 s they are dropped. Undefined: the peer left. */
  reportPeer(peerId: string, figures: Omit<Peer, 'peer_id'> | undefined): void;
  update(knowledge: Knowledge): void;
  /** Sends a beacon now instead of when one is due, but never within a second of the last one. */
  flush(): void;
  /** Starts reporting, when `autoStart` is `false`. */
  start(): void;
  /** Ends the session with a last beacon, and removes all timers and listeners. */
  stop(): void;
};
