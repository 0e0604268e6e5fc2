/**
 * What one process knows of the fleet: its shard of the regions that it reads. Parts of several shards can be added up
 * (whole.ts), since a meeting is in one of them alone.
 */
import type { Shard } from '../../../shared/subjects.ts';
import type { Contents } from '../../live/distribution.ts';
import type { JoinResult } from '../../store/arrival/recent-joins.ts';
import type { Findings } from '../../store/impaired.ts';
import type { FeedOverview, HealthOverview } from '../answers.ts';

export type Part = {
  readonly version: string;
  /** When its process started, by its own clock. */
  readonly startedAtMs: number;
  readonly shard: Shard;
  readonly regions: readonly RegionPart[];
};

export type RegionPart = {
  readonly region: string;
  readonly feed: FeedOverview;
  readonly health: HealthOverview;
  /** Absent while the feed is down: nothing is known about its sessions. */
  readonly live?: LivePart;
};

export type LivePart = {
  readonly participants: number;
  readonly meetings: number;
  /** Joins of the last minute. */
  readonly joins: { readonly [Result in JoinResult]: number };
  /** Those that somebody is on, by URL and type. */
  readonly servers: readonly ServerPart[];
};

export type ServerPart = {
  readonly serverUrl: string;
  readonly serverType: string;
  readonly sessions: number;
  readonly quiet: number;
  readonly peers: number;
  readonly findings: Findings;
  /** What its distributions hold, by the measure's number; undefined where nothing contributes. */
  readonly live: readonly (Contents | undefined)[];
};

/** The order of servers within a region. */
export function sortKey({ serverUrl, serverType }: Pick<ServerPart, 'serverUrl' | 'serverType'>): string {
  return `${serverUrl} ${serverType}`;
}
