/**
 * What the JSON API answers: the shapes that the server writes and the board reads. Seconds, ratios
 * and operations per second as in /metrics; what is not known is absent, never zero.
 */
import type { INCIDENT, OBJECTIVES } from '../../shared/objectives.ts';
import type { Shard } from '../../shared/subjects.ts';
import type { Side } from '../attribution/side.ts';
import type { SilenceCause } from '../attribution/silence.ts';
import type { HistorySeries } from '../history/history.ts';
import type { FigureName, MeasureName, PEER_MEASURES } from '../live/measures.ts';
import type { JoinResult } from '../store/arrival/recent-joins.ts';
import type { ImpairmentCause } from '../store/diagnosis.ts';
import type { EndReason } from '../store/ended/ended.ts';
import type { Impairment } from '../store/impaired.ts';

/** `GET /api/v1/overview`: everything that the board shows but the worst sessions. */
export type Overview = {
  readonly version: string;
  /** When the process started, by its own clock: counters begin anew with another value. */
  readonly started_at_ms: number;
  /** Which shard of how many answers: with more than one, the figures are of a part of the meetings. */
  readonly shard: Shard;
  /** What the figures include. */
  readonly shown: Shown;
  readonly objectives: typeof OBJECTIVES;
  /** How many impaired sessions make an incident. */
  readonly incident: typeof INCIDENT;
  /** Over all regions whose feed is up. */
  readonly all: LiveFigures;
  readonly regions: readonly RegionOverview[];
  readonly history: HistoryOverview;
};

/**
 * The last 15 minutes, by the broker's clock. With `?since_ms=`, a time of `times_ms` of an earlier answer, only what is new
 * since then: its first step and all after it take the place of what is known from there on.
 */
export type HistoryOverview = {
  readonly step_seconds: number;
  /** When each step was, ascending, at most 180. */
  readonly times_ms: readonly number[];
  /** Over the regions that were known then. */
  readonly all: HistorySeries;
  readonly regions: { readonly [region: string]: HistorySeries };
};

/**
 * The parts of the fleet that the figures include, and those that were asked for and are not in them. A process that is
 * told of no others shows its own: one of `shard.count` shards, with nothing missing that it knows of.
 */
export type Shown = {
  /** As in SHARD: `0/2`. */
  readonly shards: readonly string[];
  readonly missing: readonly MissingPart[];
};

export type MissingPart = {
  readonly address: string;
  /** Which shard it was when it last answered; absent when it never did. */
  readonly shard?: string;
  /** For an operator. */
  readonly why: string;
};

export type RegionOverview = {
  readonly region: string;
  readonly feed: FeedOverview;
  /** Absent while the feed is down: nothing is known about its sessions. */
  readonly live?: RegionFigures;
  readonly health: HealthOverview;
};

/**
 * `lag_seconds`: how far what was read is behind the broker's time; absent while it is not known. `replaying`: messages
 * arrive, but more than a few seconds of them wait to be read, so that nothing is shown. `since_ms`: from when on nothing is
 * known. `through`: the region whose NATS it is heard through while its own is lost. `or_earlier`: it has not been up since the process started, which was then.
 */
export type FeedOverview = { readonly lag_seconds?: number } & (
  | { readonly up: true; readonly through?: string }
  | { readonly up: false; readonly replaying?: true; readonly since_ms: number; readonly or_earlier: boolean }
);

/**
 * `sessions`, `quiet_sessions` and `peer_connections` count everybody who lives. All that is judged, the members after
 * them, leaves out the quiet ones.
 */
export type LiveFigures = {
  readonly sessions: number;
  /** Silent for more than two of their own intervals between beacons. They may have vanished without a goodbye. */
  readonly quiet_sessions: number;
  readonly peer_connections: number;
  /** Sessions that are past an objective by cause, and the bad streams that they receive by side. */
  readonly impaired_sessions: Impairment['sessions'];
  readonly impaired_streams: Impairment['streams'];
  readonly silent_streams: Impairment['silent'];
  readonly measures: { readonly [M in MeasureName]: MeasureFigures };
};

export type RegionFigures = LiveFigures & {
  readonly participants: number;
  readonly meetings: number;
  /** Joins of the last minute, by result: `ok`, or the stage that failed. */
  readonly joins: { readonly [Result in JoinResult]: number };
  /** Those that somebody is on, by URL and type. */
  readonly servers: readonly ServerOverview[];
};

export type ServerOverview = LiveFigures & { readonly server_url: string; readonly server_type: string };

/** A live distribution. Quantiles are nearest-rank, within 1 % of exact, and absent when nobody contributes. */
export type MeasureFigures = {
  /** How many sessions, or peer connections, contribute. */
  readonly count: number;
  /** Of measures whose small values are the bad ones: MOS and frames per second. */
  readonly p05?: number;
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
  /** How many are over the measure's objective; absent when it has none. */
  readonly over_warn?: number;
  readonly over_bad?: number;
  /** p95 over the other regions (of a region), or over the region's other servers (of a server). */
  readonly p95_elsewhere?: number;
};

/** Counters since the start of the process; `spooled` is a current value. */
export type HealthOverview = {
  /** Beacons at the edge. */
  readonly accepted: number;
  readonly rejected: { readonly [reason: string]: number };
  readonly spooled: number;
  /** Forwarders heard within the last 30 s. */
  readonly forwarders: number;
  /** One of them has a different topology than this aggregator: some beacons may be read by no aggregator. */
  readonly topology_mismatch: boolean;
  /** How far a clock is ahead of the broker's: this host's, and that of the Forwarder that is furthest off. Absent: unknown. */
  readonly clock_skew_seconds: { readonly host?: number; readonly edge?: number };
  /** For how long the stream keeps a message; absent while unknown, or without a limit. */
  readonly stream_reach_seconds?: number;
  /** Beacons that the aggregator applied, and those that never came. */
  readonly applied: number;
  readonly lost: number;
  /** From the edge to applied: observations by bucket (not cumulative), an unbounded one last. */
  readonly ingest_delay_seconds: { readonly bounds: readonly number[]; readonly counts: readonly number[] };
};

/** `GET /api/v1/sessions`: the worst sessions, or those of a meeting or session, the worst first. */
export type WorstSessions = {
  readonly sort: MeasureName;
  /** How many there are, of which at most `limit` are listed. */
  readonly total: number;
  /** Which parts of the fleet were searched. */
  readonly shown: Shown;
  readonly sessions: readonly WorstSession[];
  /** With `ended=true`: how many ended within the last 15 minutes, and the newest of them, newest first. */
  readonly ended_total?: number;
  readonly ended?: readonly EndedSession[];
  /** Since when `ended` is complete, by the broker's clock: later than 15 minutes ago after a start, or at the bound. */
  readonly ended_reach_ms?: number;
};

/** Of a session, alive or ended. */
type SessionFigures = {
  readonly region: string;
  readonly meeting_id: string;
  readonly session_id: string;
  readonly participant_id: string;
  readonly server_url: string;
  readonly server_type: string;
  /** When its first beacon came, by the broker's clock. */
  readonly began_ms: number;
  /** It may have begun before that: it was alive when the process started. */
  readonly began_or_earlier?: true;
  /** What it says of itself; `unknown` where it leaves a part out. */
  readonly client?: { readonly [label: string]: string };
  readonly path?: { readonly [label: string]: string };
  readonly rtt_seconds?: number;
  /** Of what it sends. */
  readonly uplink_packet_loss_ratio?: number;
  /** Why it is past an objective (over bad): as `cause` of `edgepulse_impaired_sessions`. Empty when it is not. */
  readonly impaired: readonly ImpairmentCause[];
  readonly peers: readonly WorstPeer[];
};

/** One of the sessions that `GET /api/v1/sessions` lists. */
export type WorstSession = SessionFigures & {
  readonly last_beacon_age_seconds: number;
  /** Silent for more than two of its own intervals between beacons: it may have vanished without a goodbye. */
  readonly quiet?: true;
};

/** A session that ended within the last 15 minutes, with the figures that it had last. */
export type EndedSession = SessionFigures & {
  readonly ended_ms: number;
  /** It said goodbye, it was silent for a TTL, or a reload that kept its id began another run. */
  readonly reason: EndReason;
  /** When the beacon came that the figures are of. */
  readonly last_beacon_ms: number;
};

/** What the session receives from a peer. */
export type WorstPeer = PeerFigures & {
  readonly peer_id: string;
  /** Whose fault it is that the stream is bad; absent when it is not. */
  readonly side?: Side;
  /** Why nothing is heard of a peer that sends; absent when that is not so. */
  readonly silence?: SilenceCause;
};

/** Newest values by measure, each with its unit in its name. */
export type PeerFigures = { readonly [Name in FigureName<(typeof PEER_MEASURES)[number]>]?: number };
