/**
 * The figures of a step, read from the store in slices of bounded work: each cell in one slice, so that its counts and its
 * distributions are of one moment.
 */
import { createDistribution, type Distribution } from '../live/distribution.ts';
import { MEASURE } from '../live/measures.ts';
import type { Cell } from '../live/population.ts';
import type { ImpairmentReading } from '../store/impaired.ts';
import type { Sessions } from '../store/sessions.ts';
import type { StepFigures } from './history.ts';

/** The people of a region, or of several: a copy of what is recorded of them. */
export type Crowd = {
  sessions: number;
  participants: number;
  impaired: number;
  quiet: number;
  /** By {@link RECORDED}; undefined while nobody contributes. */
  readonly live: (Distribution | undefined)[];
};

/** The measures of which quantiles are recorded, and which. */
const RECORDED = [
  { measure: MEASURE.rtt, quantiles: [0.5, 0.95, 0.99] },
  { measure: MEASURE.audio_packet_loss, quantiles: [0.95] },
  { measure: MEASURE.concealment, quantiles: [0.95] },
  { measure: MEASURE.expand, quantiles: [0.95] },
  { measure: MEASURE.video_freeze, quantiles: [0.95] },
] as const;

/** Reads those regions as they are now. */
export function* readCrowds(
  sessions: Sessions,
  regions: readonly string[],
): Generator<void, ReadonlyMap<string, Crowd>, void> {
  const crowds = new Map(regions.map((region) => [region, createCrowd()]));
  const impairment = yield* sessions.readImpairment({ withoutQuiet: true, regions: new Set(regions) });
  for (const cell of sessions.cells()) {
    const crowd = cell.sessions > 0 ? crowds.get(cell.region) : undefined;
    if (!crowd) continue;
    addCell(crowd, cell, impairment);
    yield;
  }
  for (const [region, crowd] of crowds) crowd.participants = sessions.headcount(region).participants;
  return crowds;
}

/** Those who were read elsewhere. @param liveOf their distributions, by the measure's number */
export function crowdOf(people: Omit<Crowd, 'live'>, liveOf: (measure: number) => Distribution | undefined): Crowd {
  return { ...people, live: RECORDED.map(({ measure }) => liveOf(measure)) };
}

/** Reads a region in one go. */
export function readCrowd(sessions: Sessions, region: string): Crowd {
  const reading = readCrowds(sessions, [region]);
  let step = reading.next();
  while (!step.done) step = reading.next();
  return step.value.get(region) ?? createCrowd();
}

export function createCrowd(): Crowd {
  return { sessions: 0, participants: 0, impaired: 0, quiet: 0, live: [] };
}

/** Adds the people of another crowd. */
export function addCrowd(to: Crowd, from: Crowd): void {
  to.sessions += from.sessions;
  to.participants += from.participants;
  to.impaired += from.impaired;
  to.quiet += from.quiet;
  for (const [i, distribution] of from.live.entries()) include(to, i, distribution);
}

export function figuresOf(crowd: Crowd): StepFigures {
  const [rtt, loss, concealment, expand, freeze] = RECORDED.map(({ quantiles }, i) => {
    const distribution = crowd.live[i];
    return distribution ? distribution.summarize(quantiles).quantiles : [];
  });
  return {
    rtt_p50: rtt?.[0] ?? Number.NaN,
    rtt_p95: rtt?.[1] ?? Number.NaN,
    rtt_p99: rtt?.[2] ?? Number.NaN,
    audio_packet_loss_p95: loss?.[0] ?? Number.NaN,
    concealment_p95: concealment?.[0] ?? Number.NaN,
    expand_p95: expand?.[0] ?? Number.NaN,
    video_freeze_p95: freeze?.[0] ?? Number.NaN,
    sessions: crowd.sessions,
    participants: crowd.participants,
    impaired: crowd.impaired,
    quiet: crowd.quiet,
  };
}

function addCell(crowd: Crowd, cell: Cell, impairment: ImpairmentReading): void {
  crowd.sessions += cell.sessions;
  crowd.impaired += impairment.of(cell).sessions.any;
  crowd.quiet += cell.quiet.sessions;
  for (const [i, { measure }] of RECORDED.entries()) {
    include(crowd, i, cell.live[measure]);
    const quiet = cell.quiet.live[measure];
    if (quiet) crowd.live[i]?.exclude(quiet);
  }
}

function include(crowd: Crowd, index: number, distribution: Distribution | undefined): void {
  if (!distribution || distribution.count === 0) return;
  const merged = crowd.live[index] ?? createDistribution(distribution.scale);
  merged.include(distribution);
  crowd.live[index] = merged;
}
