/** What happens in the demo, when and to whom; it repeats every two and a half minutes. Pure. */
import { INCIDENT } from './incident.ts';

export const TIMETABLE_EVERY_MS = 150_000;

/**
 * The target of `incident` and `joins` is a region, of `server` a host name, and of the others a session: the host of its
 * meeting, who stays in the call.
 */
export type EpisodeKind = 'incident' | 'joins' | 'server' | 'uplink' | 'downlink' | 'no_packets' | 'no_energy';

export type Episode = {
  readonly kind: EpisodeKind;
  readonly target: string;
  /** After the start of the demo. */
  readonly firstAfterMs: number;
  readonly lastsMs: number;
  /** What happens to the target: the predicate of a sentence about it. */
  readonly does: string;
};

const { rttSeconds, expandPerSecond } = INCIDENT;
const SYMPTOMS = `RTT ${rttSeconds.low * 1000}-${rttSeconds.high * 1000} ms, NetEQ expand ${expandPerSecond.low}-${expandPerSecond.high}/s`;

/**
 * Episodes of a whole region or server never overlap with those of a single person there, which they would hide. While the
 * incident lasts, no other episode affects what people in apac receive, so that its figures stay within their bounds. The
 * person with the bad uplink is in no region of those, because several people hear it: its alert would never be resolved.
 */
export const EPISODES: readonly Episode[] = [
  {
    kind: 'incident',
    target: INCIDENT.region,
    firstAfterMs: INCIDENT.firstAfterMs,
    lastsMs: INCIDENT.lastsMs,
    does: `has an incident: ${SYMPTOMS}`,
  },
  {
    kind: 'downlink',
    target: 'demo-02-host',
    firstAfterMs: 40_000,
    lastsMs: 45_000,
    does: 'has a bad downlink: hears and sees everybody badly',
  },
  {
    kind: 'joins',
    target: 'us-east',
    firstAfterMs: 40_000,
    lastsMs: 45_000,
    does: 'has joins that fail: ICE finds no path',
  },
  {
    kind: 'server',
    target: 'media-us-east-1.example.com',
    firstAfterMs: 95_000,
    lastsMs: 40_000,
    does: 'is overloaded: drops packets of all its sessions',
  },
  {
    kind: 'no_packets',
    target: 'demo-05-host',
    firstAfterMs: 95_000,
    lastsMs: 40_000,
    does: 'speaks, but nobody receives its packets',
  },
  {
    kind: 'uplink',
    target: 'demo-08-host',
    firstAfterMs: 140_000,
    lastsMs: 40_000,
    does: 'has a bad uplink: everybody hears and sees it badly',
  },
  {
    kind: 'no_energy',
    target: 'demo-11-host',
    firstAfterMs: 140_000,
    lastsMs: 40_000,
    does: 'speaks, but its packets carry silence',
  },
];

/** @param elapsedMs since the start of the demo */
export function isUnderWay({ firstAfterMs, lastsMs }: Episode, elapsedMs: number): boolean {
  const sinceFirst = elapsedMs - firstAfterMs;
  return sinceFirst >= 0 && sinceFirst % TIMETABLE_EVERY_MS < lastsMs;
}

/** Whether an episode of this kind affects the target now. */
export function suffers(kind: EpisodeKind, target: string, elapsedMs: number): boolean {
  return EPISODES.some(
    (episode) => episode.kind === kind && episode.target === target && isUnderWay(episode, elapsedMs),
  );
}

/** Those that affect somebody where there are people in these regions only. */
export function episodesIn(regions: readonly string[]): readonly Episode[] {
  return EPISODES.filter(({ kind, target }) => {
    if (kind === 'incident' || kind === 'joins') return regions.includes(target);
    return kind !== 'server' || regions.some((region) => target.includes(region));
  });
}

/** A line for each episode, with the time of day when it first happens, for people to read. */
export function describeTimetable(startMs: number, regions: readonly string[]): string[] {
  const episodes = episodesIn(regions);
  const width = Math.max(...episodes.map(({ target }) => target.length));
  return [
    `timetable, repeated every ${TIMETABLE_EVERY_MS / 1000} s:`,
    ...episodes.map(({ firstAfterMs, lastsMs, target, does }) => {
      const fromMs = startMs + firstAfterMs;
      return `  ${timeOfDay(fromMs)}-${timeOfDay(fromMs + lastsMs)}Z  ${target.padEnd(width)}  ${does}`;
    }),
    '  always: muted people, hidden pages, relays, network changes, and a few joins that fail',
  ];
}

/** The line that says that an episode begins or ends now. */
export function describeEpisode({ kind, target, does }: Episode, begins: boolean, nowMs: number): string {
  const time = `${timeOfDay(nowMs)}Z`;
  if (kind !== 'incident') return `${time} ${target} ${begins ? does : 'has recovered'}`;
  return begins ? `${time} an incident in ${target} began: ${SYMPTOMS}` : `${time} the incident in ${target} ended`;
}

/** UTC, hh:mm:ss. */
function timeOfDay(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}
