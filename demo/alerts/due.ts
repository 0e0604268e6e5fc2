/** Which alerts of deploy/prometheus/ each episode of the timetable may raise, and which beacons it degrades. Pure. */
import type { Beacon } from '../../shared/beacon.ts';
import { EPISODES, type Episode, type EpisodeKind, isUnderWay } from '../timetable.ts';

/**
 * An episode of a single person is an incident only while at least 5 people of one region suffer from it, which depends
 * on who is in that person's call. docs/runbook.md explains each.
 */
export const RAISES: { readonly [Kind in EpisodeKind]: readonly string[] } = {
  incident: ['EdgepulseRttHigh', 'EdgepulseAudioBad', 'EdgepulseVideoBad'],
  server: ['EdgepulseAudioBad', 'EdgepulseVideoBad'],
  joins: ['EdgepulseJoinsFailing'],
  uplink: ['EdgepulseAudioBad', 'EdgepulseVideoBad'],
  no_packets: ['EdgepulseSilence'],
  downlink: [],
  no_energy: [],
};

type Posted = { readonly region: string; readonly beacon: Beacon };

/** Whether the beacon reports what the episode does. */
export function isDegraded({ kind, target }: Episode, { region, beacon }: Posted): boolean {
  const { session_id, meeting_id, server, join } = beacon;
  switch (kind) {
    case 'incident':
      return region === target && isJoined(join);
    case 'joins':
      return region === target && !isJoined(join);
    case 'server':
      return server !== undefined && new URL(server.url).hostname === target && isJoined(join);
    case 'downlink':
      return session_id === target;
    case 'uplink':
    case 'no_packets':
    case 'no_energy':
      return session_id !== target && target.startsWith(`${meeting_id}-`) && isJoined(join);
  }
}

function isJoined(join: Beacon['join']): boolean {
  return join?.result === undefined || join.result === 'ok';
}

export type Onset = { readonly episode: Episode; readonly atMs: number };

export type Onsets = {
  /** A beacon is posted. */
  note(posted: Posted, nowMs: number): void;
  /** The newest episode that may raise the alert in the region, with the time of its first degraded beacon. */
  of(alert: string, region: string): Onset | undefined;
};

export function createOnsets(startMs: number): Onsets {
  const onsets = new Map<Episode, Onset & { readonly regions: Set<string> }>();
  return {
    note(posted, nowMs) {
      for (const episode of EPISODES) {
        if (!isUnderWay(episode, nowMs - startMs) || !isDegraded(episode, posted)) continue;
        const known = onsets.get(episode);
        const isKnown = known !== undefined && nowMs - known.atMs < episode.lastsMs;
        if (isKnown) known.regions.add(posted.region);
        else onsets.set(episode, { episode, atMs: nowMs, regions: new Set([posted.region]) });
      }
    },
    of(alert, region) {
      return [...onsets.values()]
        .filter(({ episode, regions }) => RAISES[episode.kind].includes(alert) && regions.has(region))
        .toSorted((a, b) => a.atMs - b.atMs)
        .at(-1);
    },
  };
}
