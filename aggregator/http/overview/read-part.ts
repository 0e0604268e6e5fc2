/**
 * Reads a part from the store, by the values of the table of metrics, in slices of bounded work, so that it and the ingest
 * take turns: the figures of a server are read in one slice, and everything above it is computed from what was read.
 */
import { REJECT_REASONS } from '../../../shared/reject.ts';
import { JOIN } from '../../../shared/session-members.ts';
import type { Shard } from '../../../shared/subjects.ts';
import type { StreamReading } from '../../feed/stream/stream-watch.ts';
import { MEASURES } from '../../live/measures.ts';
import { acceptedBeacons, rejectedBeacons, spooledNow } from '../../metrics/edge-families.ts';
import { MEETINGS, PARTICIPANTS, PEER_CONNECTIONS, SESSIONS } from '../../metrics/population-families.ts';
import { livingCells, type RegionReading, readRegion } from '../../metrics/store-reader.ts';
import type { ImpairmentReading } from '../../store/impaired.ts';
import type { Sessions } from '../../store/sessions.ts';
import type { FeedOverview, HealthOverview } from '../answers.ts';
import { type LivePart, type Part, type RegionPart, type ServerPart, sortKey } from './part.ts';

export type PartSource = {
  readonly sessions: Sessions;
  readonly version: string;
  /** When the process started. */
  readonly startedAtMs: number;
  readonly shard: Shard;
  /** @param region of its own streams alone */
  readonly stream: (region?: string) => StreamReading;
};

export function* readPart(source: PartSource): Generator<void, Part, void> {
  const { sessions, version, startedAtMs, shard } = source;
  const impairment = yield* sessions.readImpairment({ withoutQuiet: true });
  const regions: RegionPart[] = [];
  for (const region of sessions.regions) {
    const live = sessions.isFeedUp(region) ? yield* readLive(source, region, impairment) : undefined;
    const reading = readingOf(source, region);
    regions.push({ region, feed: feedOf(source, reading), health: healthOf(reading), ...(live && { live }) });
  }
  return { version, startedAtMs, shard: { index: shard.index, count: shard.count }, regions };
}

function readingOf({ sessions, stream }: PartSource, region: string): RegionReading {
  return { ...readRegion(sessions, region), stream: stream(region) };
}

function* readLive(
  source: PartSource,
  region: string,
  impairment: ImpairmentReading,
): Generator<void, LivePart | undefined, void> {
  const servers: ServerPart[] = [];
  const { sessions } = source;
  for (const cell of livingCells(sessions, new Set([region])).sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))) {
    servers.push({
      serverUrl: cell.serverUrl,
      serverType: cell.serverType,
      sessions: SESSIONS.value(cell),
      quiet: cell.quiet.sessions,
      peers: PEER_CONNECTIONS.value(cell),
      findings: impairment.findings(cell),
      // Those who have gone quiet are counted, and not judged.
      live: MEASURES.map((_, measure) => cell.live[measure]?.contents(cell.quiet.live[measure])),
    });
    yield;
  }
  // It may have gone down between two slices.
  if (!sessions.isFeedUp(region)) return undefined;
  const reading = readingOf(source, region);
  const counts = sessions.recentJoins.count(region);
  const joins = Object.fromEntries(JOIN.result.map((result, place) => [result, counts[place]])) as LivePart['joins'];
  return { participants: PARTICIPANTS.value(reading), meetings: MEETINGS.value(reading), joins, servers };
}

function feedOf({ sessions, startedAtMs }: PartSource, { region, isFeedUp, feed }: RegionReading): FeedOverview {
  const lag = known({ lag_seconds: feed.lagSeconds });
  if (isFeedUp) return { up: true, ...(feed.through !== undefined && { through: feed.through }), ...lag };
  // While it is behind its feed is up: nothing is known since the time that was read last.
  const isHeard = sessions.feedDownSince(region) === undefined && !sessions.isWithdrawn(region, 0);
  const sinceMs = isHeard ? feed.readMs : sessions.feedDownSince(region);
  const since = { since_ms: sinceMs ?? startedAtMs, or_earlier: sinceMs === undefined };
  return { up: false, ...(feed.isBehind ? { replaying: true } : {}), ...since, ...lag };
}

/** Without what is not known, or not bounded. */
function known<Names extends string>(values: { readonly [Name in Names]: number }): { [Name in Names]?: number } {
  const finite = Object.entries<number>(values).filter(([, value]) => Number.isFinite(value));
  return Object.fromEntries(finite) as { [Name in Names]?: number };
}

function healthOf(reading: RegionReading): HealthOverview {
  const { totals, feed, stream } = reading;
  const { bounds, counts } = totals.ingestDelay;
  return {
    accepted: acceptedBeacons(reading),
    rejected: Object.fromEntries(REJECT_REASONS.map((reason) => [reason, rejectedBeacons(reading, reason)])),
    spooled: spooledNow(reading),
    forwarders: totals.edge.forwarders,
    topology_mismatch: totals.edge.hasTopologyMismatch,
    clock_skew_seconds: known({ host: feed.hostSkewSeconds, edge: totals.edge.skewSeconds }),
    ...known({ stream_reach_seconds: stream?.reachSeconds ?? Number.NaN }),
    applied: totals.applied,
    lost: totals.lost,
    ingest_delay_seconds: { bounds, counts: [...counts] },
  };
}
