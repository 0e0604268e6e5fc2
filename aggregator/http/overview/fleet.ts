/**
 * The fleet as this process can show it: its own part, and those of the other shards that it is told of. One reading serves
 * everybody who asks within a moment.
 */
import { type Crowd as StepCrowd, crowdOf as stepCrowdOf } from '../../history/reading.ts';
import type { AskedSessions } from '../sessions/query-parameters.ts';
import type { Others } from '../sessions/sessions-query.ts';
import type { Shards } from '../shards/shards.ts';
import { crowdOf, describeOverview, type OverviewNow } from './overview.ts';
import type { Part } from './part.ts';
import { type PartSource, readPart } from './read-part.ts';
import { combine, shownOf, type Whole } from './whole.ts';

export type Fleet = {
  /** What this process alone knows. */
  readonly part: () => Generator<void, Part, void>;
  readonly whole: () => Generator<void, Whole, void>;
  /** Whether all of the region was known when the whole was read last. */
  readonly isComplete: (region: string) => boolean;
  /** Of those regions, what the history records. */
  readonly crowds: (regions: readonly string[]) => Generator<void, ReadonlyMap<string, StepCrowd>, void>;
  readonly overview: () => Generator<void, OverviewNow, void>;
  /** The sessions of other shards. @param search the query as it was asked */
  readonly others: (search: string, asked: AskedSessions) => Promise<Others>;
};

export type FleetOptions = {
  readonly source: PartSource;
  /** Undefined for a process that is told of no others: it shows its own part. */
  readonly shards: Pick<Shards, 'asked' | 'find'> | undefined;
  /** Of the whole: all of the topology where others are asked. */
  readonly regions: readonly string[];
  /** The wall clock, in ms: that of `source.startedAtMs`. */
  readonly wallClock: () => number;
};

const FRESH_MS = 500;

export function createFleet({ source, shards, regions, wallClock }: FleetOptions): Fleet {
  const asked = () => shards?.asked() ?? [];
  let latest: Whole | undefined;
  let latestAtMs = Number.NEGATIVE_INFINITY;
  /** Who is in the figures. Whoever comes or goes takes counters along: they begin anew. */
  let sources = '';
  let { startedAtMs } = source;

  function* whole(): Generator<void, Whole, void> {
    const nowMs = wallClock();
    if (shards && latest && Math.abs(nowMs - latestAtMs) < FRESH_MS) return latest;
    const combined = yield* combine(yield* readPart(source), asked(), regions);
    if (sources !== '' && sources !== combined.sources) startedAtMs = nowMs;
    sources = combined.sources;
    latest = { ...combined, part: { ...combined.part, startedAtMs } };
    latestAtMs = nowMs;
    return latest;
  }

  return {
    part: () => readPart(source),
    whole,
    isComplete: (region) => latest?.complete.has(region) ?? false,
    *crowds(wanted) {
      const { part, complete } = yield* whole();
      const crowds = new Map<string, StepCrowd>();
      for (const { region, live } of part.regions) {
        if (!live || !complete.has(region) || !wanted.includes(region)) continue;
        const crowd = yield* crowdOf(live);
        const { sessions, quiet } = crowd;
        const people = { sessions, quiet, participants: live.participants, impaired: crowd.impairment.sessions.any };
        crowds.set(
          region,
          stepCrowdOf(people, (measure) => crowd.live[measure]),
        );
      }
      return crowds;
    },
    *overview() {
      return yield* describeOverview(yield* whole());
    },
    async others(search, { query }) {
      const { found, missing } = (await shards?.find(search, query.sort)) ?? NOBODY;
      const own = { ...source, regions: source.sessions.regions.map((region) => ({ region })) };
      const shown = shownOf(own, asked(), regions);
      const silent = new Set(missing.map(({ shard }) => shard));
      return {
        found,
        shown: {
          shards: shown.shards.filter((shard) => !silent.has(shard)),
          missing: [...shown.missing, ...missing],
        },
      };
    },
  };
}

const NOBODY = { found: [], missing: [] };
