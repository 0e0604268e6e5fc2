/** What the board shows, from one part of the fleet or from several: each region with its servers and its health. */
import { INCIDENT, OBJECTIVES } from '../../../shared/objectives.ts';
import { judge } from '../../store/impaired.ts';
import type { Overview, RegionFigures, RegionOverview, ServerOverview } from '../answers.ts';
import { addContents, addCrowd, type Crowd, createCrowd } from './crowd.ts';
import { figuresOf } from './figures.ts';
import type { LivePart, ServerPart } from './part.ts';
import type { Whole } from './whole.ts';

/** Everything but the history, which each asker may have another part of. */
export type OverviewNow = Omit<Overview, 'history'>;

type RegionCrowd = Crowd & { readonly servers: readonly (Crowd & { readonly part: ServerPart })[] };

/** In slices of bounded work. */
export function* describeOverview({ part, shown }: Pick<Whole, 'part' | 'shown'>): Generator<void, OverviewNow, void> {
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
    shown,
    objectives: OBJECTIVES,
    incident: INCIDENT,
    all: figuresOf(everybody),
    regions,
  };
}

export function* crowdOf({ servers }: LivePart): Generator<void, RegionCrowd, void> {
  const together = createCrowd();
  const crowds: RegionCrowd['servers'][number][] = [];
  for (const part of servers) {
    const { sessions, quiet, peers, findings, serverUrl } = part;
    const impairment = judge({ serverUrl, sessions: sessions - quiet }, findings);
    const crowd = { sessions, quiet, peers, impairment, live: [], part };
    addContents(crowd.live, part.live);
    addCrowd(together, crowd);
    crowds.push(crowd);
    yield;
  }
  return { ...together, servers: crowds };
}

function* describeRegion(
  { participants, meetings, joins }: LivePart,
  crowd: RegionCrowd,
  everybody: Crowd,
): Generator<void, RegionFigures, void> {
  const servers: ServerOverview[] = [];
  for (const server of crowd.servers) {
    const { serverUrl, serverType } = server.part;
    servers.push({ server_url: serverUrl, server_type: serverType, ...figuresOf(server, crowd) });
    yield;
  }
  return { ...figuresOf(crowd, everybody), participants, meetings, joins, servers };
}
