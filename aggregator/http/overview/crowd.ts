/** The population of a server, of a region or of all: a copy that stays the same while the store changes. */
import { createDistribution, type Distribution } from '../../live/distribution.ts';
import { MEASURES } from '../../live/measures.ts';
import { SCALES } from '../../live/population.ts';
import type { Scale } from '../../live/scale.ts';
import { addImpairment, type Impairment, NOT_IMPAIRED } from '../../store/impaired.ts';
import type { ServerPart } from './part.ts';

export type Crowd = {
  sessions: number;
  quiet: number;
  peers: number;
  impairment: Impairment;
  readonly live: Live;
};

/** By the measure's number; undefined while nothing has contributed. */
export type Live = (Distribution | undefined)[];

export function createCrowd(): Crowd {
  return { sessions: 0, quiet: 0, peers: 0, impairment: NOT_IMPAIRED, live: [] };
}

export function addCrowd(into: Crowd, from: Crowd): void {
  into.sessions += from.sessions;
  into.quiet += from.quiet;
  into.peers += from.peers;
  into.impairment = addImpairment(into.impairment, from.impairment);
  addLive(into.live, from.live);
}

export function addContents(into: Live, from: ServerPart['live']): void {
  for (let measure = 0; measure < MEASURES.length; measure++) {
    const contents = from[measure];
    if (contents) distributionIn(into, measure).includeContents(contents);
  }
}

function addLive(into: Live, from: Readonly<Live>): void {
  for (let measure = 0; measure < MEASURES.length; measure++) {
    const distribution = from[measure];
    if (distribution) distributionIn(into, measure).include(distribution);
  }
}

function distributionIn(live: Live, measure: number): Distribution {
  const distribution = live[measure] ?? createDistribution(SCALES[measure] as Scale);
  live[measure] = distribution;
  return distribution;
}
