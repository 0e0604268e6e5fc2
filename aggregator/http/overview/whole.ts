/**
 * Several parts as one: each shard of a region counts once, whoever of its replicas says it, and everything that can be
 * added up is. What is missing is named, and never guessed.
 */
import { JOIN } from '../../../shared/session-members.ts';
import { MEASURES } from '../../live/measures.ts';
import { addFindings } from '../../store/impaired.ts';
import type { FeedOverview, HealthOverview, MissingPart, Shown } from '../answers.ts';
import { addContents, type Live } from './crowd.ts';
import { type LivePart, type Part, type RegionPart, type ServerPart, sortKey } from './part.ts';

/** An address that was asked: what it said last, or why it said nothing that can be used. */
export type AskedPart = {
  readonly address: string;
  readonly part?: Part;
  /** Which shard it was when it answered last, and of which regions. */
  readonly shard?: string;
  readonly regions?: readonly string[];
  readonly why?: string;
};

export type Whole = {
  readonly part: Part;
  readonly shown: Shown;
  /** Regions of which every shard is heard. */
  readonly complete: ReadonlySet<string>;
  /** Which processes the figures are from: another text when one began anew, came or went. */
  readonly sources: string;
};

/** Of one shard of a region. */
type Contribution = {
  /** Absent for this process itself. */
  readonly address?: string;
  readonly startedAtMs: number;
  readonly shard: string;
  readonly region: RegionPart;
};

/** @param regions all of the topology, in the order in which they are shown */
export function* combine(
  own: Part,
  asked: readonly AskedPart[],
  regions: readonly string[],
): Generator<void, Whole, void> {
  const combined: RegionPart[] = [];
  const silent: MissingPart[] = [];
  const sources = new Set<string>();
  const complete = new Set<string>();
  for (const name of regions) {
    const contributions = contributionsOf(name, own, asked);
    if (contributions.length === 0) continue;
    for (const { address, startedAtMs } of contributions) sources.add(`${address ?? ''} ${startedAtMs}`);
    const heard = contributions.filter(({ region }) => region.feed.up);
    if (heard.length === own.shard.count) complete.add(name);
    if (heard.length > 0) silent.push(...silentOnes(name, contributions));
    combined.push(yield* combineRegion(name, contributions));
  }
  const { shards, missing } = shownOf(own, asked, regions);
  return {
    part: { ...own, regions: combined },
    shown: { shards, missing: [...missing, ...silent] },
    complete,
    sources: [...sources].sort().join(),
  };
}

type Names = Pick<Part, 'shard' | 'startedAtMs'> & { readonly regions: readonly { readonly region: string }[] };

/** Which parts there are. Whose shard is there without it, as that of a replica is, is not missing. */
export function shownOf(own: Names, asked: readonly AskedPart[], regions: readonly string[]): Shown {
  const parts: Names[] = [own, ...asked.flatMap(({ part }) => part ?? [])];
  const shards = new Set(parts.map(({ shard }) => shardName(shard)));
  const there = new Set(
    parts.flatMap(({ shard, regions: of }) => of.map(({ region }) => `${shardName(shard)} ${region}`)),
  );
  const all = Array.from({ length: own.shard.count }, (_, index) => shardName({ index, count: own.shard.count }));
  const isWhole = all.every((shard) => regions.every((region) => there.has(`${shard} ${region}`)));
  const isMissing = ({ shard, regions: had }: AskedPart) =>
    shard !== undefined && had ? had.some((region) => !there.has(`${shard} ${region}`)) : !isWhole;
  return { shards: [...shards].sort(byNumber), missing: asked.filter(isMissing).flatMap(missingPart) };
}

/** Shards of a region that is heard otherwise, whose own feeds of it are down. */
function silentOnes(name: string, contributions: readonly Contribution[]): MissingPart[] {
  return contributions
    .filter(({ region }) => !region.feed.up)
    .map(({ address = THIS_PROCESS, shard }) => ({ address, shard, why: `its feed of ${name} is down` }));
}

const THIS_PROCESS = 'this process';

export function shardName({ index, count }: Part['shard']): string {
  return `${index}/${count}`;
}

function byNumber(one: string, other: string): number {
  return Number.parseInt(one, 10) - Number.parseInt(other, 10);
}

function missingPart({ address, shard, why }: AskedPart): MissingPart[] {
  return why === undefined ? [] : [{ address, ...(shard !== undefined && { shard }), why }];
}

/** One for each shard that has the region, by the first that hears it. */
function contributionsOf(name: string, own: Part, asked: readonly AskedPart[]): Contribution[] {
  const byShard = new Map<string, Contribution>();
  for (const { part, address } of [{ part: own, address: undefined }, ...asked]) {
    const region = part?.regions.find((one) => one.region === name);
    if (!part || !region) continue;
    const shard = shardName(part.shard);
    const known = byShard.get(shard);
    if (known && (known.region.feed.up || !region.feed.up)) continue;
    const { startedAtMs } = part;
    byShard.set(shard, { shard, startedAtMs, region, ...(address !== undefined && { address }) });
  }
  return [...byShard.values()];
}

function* combineRegion(name: string, contributions: readonly Contribution[]): Generator<void, RegionPart, void> {
  const heard = contributions.flatMap(({ region: { live } }) => live ?? []);
  const live = heard.length === 0 ? undefined : yield* combineLive(heard);
  return {
    region: name,
    feed: contributions.map(({ region }) => region.feed).reduce(addFeed),
    health: contributions.map(({ region }) => region.health).reduce(addHealth),
    ...(live && { live }),
  };
}

function* combineLive(parts: readonly LivePart[]): Generator<void, LivePart, void> {
  const servers = new Map<string, ServerPart>();
  for (const part of parts) {
    for (const server of part.servers) {
      const key = sortKey(server);
      const known = servers.get(key);
      servers.set(key, known ? addServer(known, server) : server);
      yield;
    }
  }
  const sorted = [...servers].sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    participants: parts.reduce((sum, { participants }) => sum + participants, 0),
    meetings: parts.reduce((sum, { meetings }) => sum + meetings, 0),
    joins: parts.map(({ joins }) => joins).reduce(addJoins),
    servers: sorted.map(([, server]) => server),
  };
}

function addJoins(one: LivePart['joins'], other: LivePart['joins']): LivePart['joins'] {
  const sums = JOIN.result.map((result) => [result, one[result] + other[result]]);
  return Object.fromEntries(sums) as LivePart['joins'];
}

function addServer(one: ServerPart, other: ServerPart): ServerPart {
  const live: Live = [];
  addContents(live, one.live);
  addContents(live, other.live);
  return {
    ...one,
    sessions: one.sessions + other.sessions,
    quiet: one.quiet + other.quiet,
    peers: one.peers + other.peers,
    findings: addFindings(one.findings, other.findings),
    live: MEASURES.map((_, measure) => live[measure]?.contents()),
  };
}

/** Heard as far as one of them is; as far behind as the one that is furthest. */
function addFeed(one: FeedOverview, other: FeedOverview): FeedOverview {
  const lag = Math.max(one.lag_seconds ?? 0, other.lag_seconds ?? 0);
  const isLagKnown = one.lag_seconds !== undefined || other.lag_seconds !== undefined;
  const [first, second] = one.up || !other.up ? [one, other] : [other, one];
  // Since when none of them is heard.
  const since =
    !first.up && !second.up && second.since_ms > first.since_ms
      ? { since_ms: second.since_ms, or_earlier: second.or_earlier }
      : {};
  // One of them may have lost a home that the others hear.
  const through = first.up && second.up && second.through !== undefined ? { through: second.through } : {};
  return { ...through, ...first, ...since, ...(isLagKnown && { lag_seconds: lag }) };
}

/** Counters add up; each shard counts the Forwarders of some slots, but hears all of them, and their clocks. */
function addHealth(one: HealthOverview, other: HealthOverview): HealthOverview {
  const reasons = new Set([...Object.keys(one.rejected), ...Object.keys(other.rejected)]);
  const { bounds, counts } = one.ingest_delay_seconds;
  const reach = [one, other].flatMap(({ stream_reach_seconds }) => stream_reach_seconds ?? []);
  return {
    accepted: one.accepted + other.accepted,
    rejected: Object.fromEntries(
      [...reasons].map((reason) => [reason, (one.rejected[reason] ?? 0) + (other.rejected[reason] ?? 0)]),
    ),
    spooled: one.spooled + other.spooled,
    forwarders: Math.max(one.forwarders, other.forwarders),
    topology_mismatch: one.topology_mismatch || other.topology_mismatch,
    clock_skew_seconds: {
      ...furthest('host', one.clock_skew_seconds, other.clock_skew_seconds),
      ...furthest('edge', one.clock_skew_seconds, other.clock_skew_seconds),
    },
    ...(reach.length > 0 && { stream_reach_seconds: Math.min(...reach) }),
    applied: one.applied + other.applied,
    lost: one.lost + other.lost,
    ingest_delay_seconds: {
      bounds,
      counts: counts.map((count, i) => count + (other.ingest_delay_seconds.counts[i] ?? 0)),
    },
  };
}

type Skew = HealthOverview['clock_skew_seconds'];

function furthest(clock: keyof Skew, one: Skew, other: Skew): Skew {
  const [most] = [one[clock], other[clock]]
    .filter((seconds) => seconds !== undefined)
    .sort((a, b) => Math.abs(b) - Math.abs(a));
  return most === undefined ? {} : { [clock]: most };
}
