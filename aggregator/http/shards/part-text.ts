/**
 * A part of the fleet as processes of the same fleet send it to each other: a line of JSON for the process, for each region
 * and for each server, so that neither side handles much at once. What is read may be of another version, or of nobody that
 * is meant: all of it is checked.
 */
import * as v from 'valibot';
import { JOIN } from '../../../shared/session-members.ts';
import { isRegionName, type Shard } from '../../../shared/subjects.ts';
import { SIDES } from '../../attribution/side.ts';
import { SILENCE_CAUSES } from '../../attribution/silence.ts';
import { type Contents, isContents } from '../../live/distribution.ts';
import { MEASURES } from '../../live/measures.ts';
import { SCALES } from '../../live/population.ts';
import type { Scale } from '../../live/scale.ts';
import { IMPAIRMENT_CAUSES } from '../../store/diagnosis.ts';
import { ANY_CAUSE } from '../../store/impaired.ts';
import { INGEST_DELAY_SECONDS_BUCKETS } from '../../store/totals.ts';
import type { LivePart, Part, RegionPart, ServerPart } from '../overview/part.ts';
import { parseLine } from './json-line.ts';
import { Time } from './time.ts';

/** A part that another process sent, and the fingerprint of its topology. */
export type SentPart = Part & { readonly topology: string };

type SentRegion = Omit<RegionPart, 'live'> & {
  readonly live?: Omit<LivePart, 'servers'> & { readonly servers: ServerPart[] };
};

/** Another value where the lines or their members mean something else. */
const FORMAT = 2;
/** What a process of another version may have otherwise: which distributions there are, and how they are cut. */
const BOUNDS = JSON.stringify(MEASURES.map(({ name, bounds }) => [name, bounds]));

const REGIONS_MAX = 64;
/** All server URLs of a topology, with each type. */
const SERVERS_MAX = 2_000;
const COUNT_MAX = 1e8;

const Count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(COUNT_MAX));
/** Since the start of a process. */
const Total = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const Finite = v.pipe(v.number(), v.finite());
const Text = v.pipe(v.string(), v.maxLength(2_048));

function counts<Name extends string>(names: readonly Name[]) {
  return v.object(Object.fromEntries(names.map((name) => [name, Count])) as { [N in Name]: typeof Count });
}

const Head = v.object({
  format: v.literal(FORMAT),
  bounds: v.string(),
  version: v.pipe(v.string(), v.maxLength(64)),
  started_at_ms: Time,
  topology: v.pipe(v.string(), v.maxLength(64)),
  shard: v.pipe(
    v.object({ index: Count, count: v.pipe(Count, v.minValue(1), v.maxValue(999)) }),
    v.check(({ index, count }) => index < count),
  ),
});

const Feed = v.union([
  v.object({
    up: v.literal(true),
    through: v.exactOptional(
      v.pipe(
        v.string(),
        v.check((name) => isRegionName(name)),
      ),
    ),
    lag_seconds: v.exactOptional(Finite),
  }),
  v.object({
    up: v.literal(false),
    replaying: v.exactOptional(v.literal(true)),
    since_ms: Time,
    or_earlier: v.boolean(),
    lag_seconds: v.exactOptional(Finite),
  }),
]);

const Health = v.object({
  accepted: Total,
  rejected: v.record(v.pipe(v.string(), v.maxLength(64)), Total),
  spooled: Total,
  forwarders: Count,
  topology_mismatch: v.boolean(),
  clock_skew_seconds: v.object({ host: v.exactOptional(Finite), edge: v.exactOptional(Finite) }),
  stream_reach_seconds: v.exactOptional(Finite),
  applied: Total,
  lost: Total,
  ingest_delay_seconds: v.object({
    bounds: v.pipe(
      v.array(v.number()),
      v.check((bounds) => `${bounds}` === `${INGEST_DELAY_SECONDS_BUCKETS}`),
    ),
    counts: v.pipe(v.array(Total), v.length(INGEST_DELAY_SECONDS_BUCKETS.length + 1)),
  }),
});

const RegionLine = v.object({
  region: v.pipe(
    v.string(),
    v.check((name) => isRegionName(name)),
  ),
  feed: Feed,
  health: Health,
  live: v.exactOptional(v.object({ participants: Count, meetings: Count, joins: counts(JOIN.result) })),
});

const ServerLine = v.object({
  server_url: Text,
  server_type: Text,
  sessions: Count,
  quiet: Count,
  peers: Count,
  findings: v.object({
    impairment: v.object({
      sessions: counts([ANY_CAUSE, ...IMPAIRMENT_CAUSES]),
      streams: counts(SIDES),
      silent: counts(SILENCE_CAUSES),
    }),
    faringBadly: Count,
    meetings: Count,
  }),
  /** By the measure's number; null where nothing contributes. */
  live: v.pipe(
    v.array(v.unknown()),
    v.maxLength(MEASURES.length),
    v.check((all) => all.every((one, measure) => one === null || isContents(SCALES[measure] as Scale, one))),
    v.transform((all) => all.map((one) => (one as Contents | null) ?? undefined)),
  ),
});

/** Its text, in slices of bounded work. */
export function* writePart(part: Part, topology: string): Generator<string, void, void> {
  const { version, startedAtMs, shard, regions } = part;
  yield lineOf({ format: FORMAT, bounds: BOUNDS, version, started_at_ms: startedAtMs, topology, shard });
  for (const { live, ...region } of regions) {
    const people = live && { participants: live.participants, meetings: live.meetings, joins: live.joins };
    yield lineOf({ ...region, ...(people && { live: people }) });
    for (const server of live?.servers ?? []) yield lineOf(sentServer(server));
  }
  // A text that was cut off is no part.
  yield lineOf(END);
}

const END = { end: true };

function sentServer({ serverUrl, serverType, live, ...counted }: ServerPart): object {
  const distributions = MEASURES.map((_, measure) => live[measure] ?? null);
  return { server_url: serverUrl, server_type: serverType, ...counted, live: distributions };
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

export type PartResult = { readonly ok: true; readonly part: SentPart } | { readonly ok: false; readonly why: string };

/** @param lines of a text, which are read as they are needed @returns what it says, or why it is none */
export function* readPartText(lines: Iterable<string>): Generator<void, PartResult, void> {
  let head: v.InferOutput<typeof Head> | undefined;
  const regions: SentRegion[] = [];
  for (const text of lines) {
    const line = parseLine(text);
    if (!head) {
      const parsed = v.safeParse(Head, line);
      if (!parsed.success) return no('does not answer as an aggregator does: is it one, of this version?');
      head = parsed.output;
      if (head.bounds !== BOUNDS) return no(`is of another version, ${head.version}, which measures otherwise`);
    } else if (isEnd(line)) {
      const { version, started_at_ms: startedAtMs, topology, shard } = head;
      return { ok: true, part: { version, startedAtMs, topology, shard: shard satisfies Shard, regions } };
    } else if (!takeLine(line, regions)) {
      return no('answers with figures that can not be');
    }
    yield;
  }
  return no('its answer ends in the middle');
}

function no(why: string): PartResult {
  return { ok: false, why };
}

function isEnd(line: unknown): boolean {
  return typeof line === 'object' && line !== null && 'end' in line;
}

/** @returns whether it is a region, or a server of the last one */
function takeLine(line: unknown, regions: SentRegion[]): boolean {
  const region = v.safeParse(RegionLine, line);
  if (region.success) {
    const { live, ...rest } = region.output;
    if (regions.length >= REGIONS_MAX || regions.some((known) => known.region === rest.region)) return false;
    // Of a region that can't be heard nothing is known.
    if (live && !rest.feed.up) return false;
    regions.push({ ...rest, ...(live && { live: { ...live, servers: [] } }) });
    return true;
  }
  const servers = regions.at(-1)?.live?.servers;
  const server = v.safeParse(ServerLine, line);
  if (!server.success || !servers || servers.length >= SERVERS_MAX) return false;
  const { server_url: serverUrl, server_type: serverType, live, ...counted } = server.output;
  if (counted.quiet > counted.sessions) return false;
  if (servers.some((known) => known.serverUrl === serverUrl && known.serverType === serverType)) return false;
  servers.push({ serverUrl, serverType, ...counted, live });
  return true;
}
