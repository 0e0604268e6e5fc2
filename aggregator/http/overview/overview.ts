/** What the board shows, from one part of the fleet or from several: each region with its servers and its health. */
import { INCIDENT, OBJECTIVES } from '../../../shared/objectives.ts';
import { judge } from '../../store/impaired.ts';
import type { Overview, RegionFigures, RegionOverview, ServerOverview } from '../answers.ts';
import { addCrowd, type Crowd, createCrowd } from './crowd.ts';
import { figuresOf } from './figures.ts';
import type { LivePart, Part, ServerPart } from './part.ts';
import { type PartSource, readPart } from './read-part.ts';

/** Everything but the history, which each asker may have another part of. */
export type OverviewNow = Omit<Overview, 'history'>;

/** A process that is told of no others shows its own part. */
export function* readOverview(source: PartSource): Generator<void, OverviewNow, void> {
  return yield* describeOverview(yield* readPart(source));
}

type RegionCrowd = Crowd & { readonly servers: readonly (Crowd & { readonly part: ServerPart })[] };

/** In slices of bounded work. */
export function* describeOverview(part: Part): Generator<void, OverviewNow, void> {
  const { version, startedAtMs, shard } = part;
  const everybody = createCrowd();
  const crowds: (RegionCrowd | undefined)[] = [];
  for (const { live } of part.regions) {
    const crowd = live && (yield* crowdOf(live));
    if (crowd) addCrowd(everybody, crowd);
    crowds.push(crowd);
  }
  const regions: RegionOverview[] = [];
  for (const [i, { region, feed, health, live }] of part.regions.entries()) {
    const crowd = crowds[i];
    const figures = live && crowd && (yield* describeRegion(live, crowd, everybody));
    regions.push({ region, feed, health, ...(figures && { live: figures }) });
  }
  return {
    version,
    started_at_ms: startedAtMs,
    shard,
    objectives: OBJECTIVES,
    incident: INCIDENT,
    all: figuresOf(everybody),
    regions,
  };
}

function* crowdOf({ servers }: LivePart): Generator<void, RegionCrowd, void> {
  const together = createCrowd();
  const crowds: RegionCrowd['servers'][number][] = [];
  for (const part of servers) {
    const { sessions, quiet, peers, findings, serverUrl } = part;
    const impairment = judge({ serverUrl, sessions: sessions - quiet }, findings);
    const crowd = { sessions, quiet, peers, impairment, live: [...part.live], part };
    addCrowd(together, crowd);
    crowds.push(crowd);
    yield;
  }
  return { ...together, servers: crowds };
}

function* describeRegion(
  { participants, meetings }: LivePart,
  crowd: RegionCrowd,
  everybody: Crowd,
): Generator<void, RegionFigures, void> {
  const servers: ServerOverview[] = [];
  for (const server of crowd.servers) {
    const { serverUrl, serverType } = server.part;
    servers.push({ server_url: serverUrl, server_type: serverType, ...figuresOf(server, crowd) });
    yield;
  }
  return { ...figuresOf(crowd, everybody), participants, meetings, servers };
}
