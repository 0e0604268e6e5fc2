/**
 * What the board shows, from the values of the table of metrics: each region with its servers and
 * its health. In slices of bounded work, so that it and the ingest take turns; the figures of a
 * server are read in one slice, and everything above it is computed from what was read.
 */
import { INCIDENT, OBJECTIVES, objectiveOf } from '../../shared/objectives.ts';
import { REJECT_REASONS } from '../../shared/reject.ts';
import type { Shard } from '../../shared/subjects.ts';
import type { StreamReading } from '../feed/stream/stream-watch.ts';
import { createDistribution, type Distribution } from '../live/distribution.ts';
import { MEASURES, type Measure, quantilesOf } from '../live/measures.ts';
import type { Cell } from '../live/population.ts';
import { acceptedBeacons, rejectedBeacons, spooledNow } from '../metrics/edge-families.ts';
import { MEETINGS, PARTICIPANTS, PEER_CONNECTIONS, SESSIONS } from '../metrics/population-families.ts';
import { livingCells, type RegionReading, readRegion } from '../metrics/store-reader.ts';
import { addImpairment, type Impairment, type ImpairmentReading, NOT_IMPAIRED } from '../store/impaired.ts';
import type { Sessions } from '../store/sessions.ts';
import type {
  FeedOverview,
  HealthOverview,
  LiveFigures,
  MeasureFigures,
  Overview,
  RegionOverview,
  ServerOverview,
} from './answers.ts';

export type OverviewSource = {
  readonly sessions: Sessions;
  readonly version: string;
  /** When the process started. */
  readonly startedAtMs: number;
  readonly shard: Shard;
  readonly stream: () => StreamReading;
};

/** Everything but the history, which each asker may have another part of. */
export type OverviewNow = Omit<Overview, 'history'>;

/** The population of a region or server: a copy that stays the same while the store changes. */
type Crowd = {
  sessions: number;
  quiet: number;
  peers: number;
  impairment: Impairment;
  readonly live: (Distribution | undefined)[];
};
type ServerCrowd = Crowd & { readonly cell: Cell };
type RegionCrowd = Crowd & { readonly servers: readonly ServerCrowd[]; readonly reading: RegionReading };

export function* readOverview(source: OverviewSource): Generator<void, OverviewNow, void> {
  const { sessions, version, startedAtMs, shard } = source;
  const everybody = createCrowd();
  const impairment = yield* sessions.readImpairment({ withoutQuiet: true });
  const read: (RegionCrowd | RegionOverview)[] = [];
  for (const region of sessions.regions) {
    if (sessions.isFeedUp(region)) {
      const crowd = yield* readCrowd(source, region, impairment);
      merge(everybody, crowd);
      read.push(crowd);
    } else {
      const reading = readingOf(source, region);
      read.push({ region, feed: feedOf(source, reading), health: healthOf(reading) });
    }
  }
  const regions: RegionOverview[] = [];
  for (const one of read) regions.push('feed' in one ? one : yield* describeRegion(one, everybody, source));
  return {
    version,
    started_at_ms: startedAtMs,
    shard: { index: shard.index, count: shard.count },
    objectives: OBJECTIVES,
    incident: INCIDENT,
    all: figuresOf(everybody),
    regions,
  };
}

function readingOf({ sessions, stream }: OverviewSource, region: string): RegionReading {
  return { ...readRegion(sessions, region), stream: stream() };
}

function* readCrowd(
  source: OverviewSource,
  region: string,
  impairment: ImpairmentReading,
): Generator<void, RegionCrowd, void> {
  const servers: ServerCrowd[] = [];
  const together = createCrowd();
  const { sessions } = source;
  const reading = readingOf(source, region);
  const cells = livingCells(sessions, new Set([region])).sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  for (const cell of cells) {
    const crowd = createCrowd();
    merge(crowd, {
      sessions: SESSIONS.value(cell),
      quiet: cell.quiet.sessions,
      peers: PEER_CONNECTIONS.value(cell),
      impairment: impairment.of(cell),
      live: cell.live,
    });
    leaveOutQuiet(crowd, cell);
    merge(together, crowd);
    servers.push({ ...crowd, cell });
    yield;
  }
  return { ...together, servers, reading: { ...reading, headcount: { ...reading.headcount } } };
}

function sortKey({ serverUrl, serverType }: Cell): string {
  return `${serverUrl} ${serverType}`;
}

function* describeRegion(
  crowd: RegionCrowd,
  everybody: Crowd,
  source: OverviewSource,
): Generator<void, RegionOverview, void> {
  const { reading } = crowd;
  const servers: ServerOverview[] = [];
  for (const server of crowd.servers) {
    const { serverUrl, serverType } = server.cell;
    servers.push({ server_url: serverUrl, server_type: serverType, ...figuresOf(server, crowd) });
    yield;
  }
  const live = {
    ...figuresOf(crowd, everybody),
    participants: PARTICIPANTS.value(reading),
    meetings: MEETINGS.value(reading),
    servers,
  };
  return { region: reading.region, feed: feedOf(source, reading), live, health: healthOf(reading) };
}

function feedOf({ sessions, startedAtMs }: OverviewSource, { region, isFeedUp, feed }: RegionReading): FeedOverview {
  const lag = known({ lag_seconds: feed.lagSeconds });
  if (isFeedUp) return { up: true, ...lag };
  const sinceMs = sessions.feedDownSince(region);
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

function createCrowd(): Crowd {
  return { sessions: 0, quiet: 0, peers: 0, impairment: NOT_IMPAIRED, live: [] };
}

function merge(into: Crowd, from: Crowd): void {
  into.sessions += from.sessions;
  into.quiet += from.quiet;
  into.peers += from.peers;
  into.impairment = addImpairment(into.impairment, from.impairment);
  for (let measure = 0; measure < MEASURES.length; measure++) {
    const distribution = from.live[measure];
    if (!distribution) continue;
    const merged = into.live[measure] ?? createDistribution(distribution.scale);
    merged.include(distribution);
    into.live[measure] = merged;
  }
}

/** Those who have gone quiet are counted, and not judged. @param crowd a copy of the cell as it is now */
function leaveOutQuiet({ live }: Crowd, { quiet }: Cell): void {
  for (const [measure, distribution] of quiet.live.entries()) if (distribution) live[measure]?.exclude(distribution);
}

/** @param whole what the crowd is a part of, to compare it with the rest */
function figuresOf({ sessions, quiet, peers, impairment, live }: Crowd, whole?: Crowd): LiveFigures {
  const measures = MEASURES.map((measure, m) => [measure.name, measureFigures(measure, live[m], whole?.live[m])]);
  return {
    sessions,
    quiet_sessions: quiet,
    peer_connections: peers,
    impaired_sessions: impairment.sessions,
    impaired_streams: impairment.streams,
    silent_streams: impairment.silent,
    measures: Object.fromEntries(measures),
  };
}

function measureFigures(measure: Measure, own: Distribution | undefined, whole: Distribution | undefined) {
  const objective = objectiveOf(measure.name);
  const asked = quantilesOf(measure);
  const { count, cumulative, quantiles } = own ? own.summarize(asked) : NOBODY;
  const shown = SHOWN.flatMap(({ name, quantile }) => {
    const value = quantiles[asked.indexOf(quantile)];
    return value === undefined ? [] : [[name, value] as const];
  });
  const over = (bound: number) => count - (cumulative[measure.bounds.indexOf(bound)] ?? 0);
  const figures: MeasureFigures = {
    count,
    ...Object.fromEntries(shown),
    ...(objective ? { over_warn: over(objective.warn), over_bad: over(objective.bad) } : {}),
  };
  const elsewhere = objective && whole && p95Without(whole, own);
  return elsewhere === undefined ? figures : { ...figures, p95_elsewhere: elsewhere };
}

/** A measure has those of them that {@link quantilesOf} has. */
const SHOWN = [
  { name: 'p05', quantile: 0.05 },
  { name: 'p50', quantile: 0.5 },
  { name: 'p95', quantile: 0.95 },
  { name: 'p99', quantile: 0.99 },
] as const satisfies readonly { readonly name: keyof MeasureFigures; readonly quantile: number }[];

const NOBODY = { count: 0, cumulative: [], quantiles: [] } as const;

/** p95 of those in `whole` that are not in `part`; undefined when there are none. */
function p95Without(whole: Distribution, part: Distribution | undefined): number | undefined {
  if (part) whole.exclude(part);
  const [p95] = whole.summarize([0.95]).quantiles;
  if (part) whole.include(part);
  return p95;
}
