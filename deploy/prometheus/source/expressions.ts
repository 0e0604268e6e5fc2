/**
 * Pieces of PromQL. All that a rule reads is right over shards (which add up) and replicas (which repeat each other), and
 * outlives a missed scrape, which makes every series of a target stale at once.
 */
import { INCIDENT } from '../../../shared/objectives.ts';

/** For how long a figure is taken for the present one when the newest is missing: several scrapes. */
const LATELY = '1m';

/** The labels of each level. */
export const LEVELS = { region: 'region', server: 'region, server_url, server_type' } as const;
export type Level = keyof typeof LEVELS;

/** One of the replicas of each shard, whichever. */
function oneReplica(expression: string): string {
  return `max without (instance, pod) (${expression})`;
}

/**
 * A gauge of one of the replicas of each shard. If none of them was scraped just now, it is their last value within the last
 * minute: a shard that is missing for a moment must not look like people who left. What a replica that was scraped no longer
 * has is really gone.
 */
export function gauge(selector: string): string {
  return `(
  ${oneReplica(selector)}
or
  ${oneReplica(lately(selector))}
  unless on (job, shard, region) group by (job, shard, region) (edgepulse_feed_up)
)`;
}

/** Of a counter. Each replica counts for itself, so the rate comes first. */
export function rate(selector: string, window: string): string {
  return oneReplica(`rate(${selector}[${window}])`);
}

export function increase(selector: string, window: string): string {
  return oneReplica(`increase(${selector}[${window}])`);
}

/** The number of shards, from a label such as "0/2"; absent where there is one. */
export function withShards(expression: string): string {
  return `label_replace(${expression}, "shards", "$1", "shard", ".*/(.*)")`;
}

/**
 * Added up over the shards. While their number is being changed, those of both numbers run, and each of the two has everybody:
 * that which has more of them, since the other one has only just been started or is already being stopped.
 * @param labels of the answer; `region` is one of them, because each region may have another number of shards
 */
export function overShards(labels: string, expression: string): string {
  return `max by (${labels}) (sum by (${labels}, shards) (
${withShards(expression)}
))`;
}

/** The newest value within the last minute: an alert neither resolves nor begins again because a scrape was missed. */
export function lately(series: string): string {
  return `last_over_time(${series}[${LATELY}])`;
}

/** As many people as make an incident, past an objective for one cause: when the board says bad. The value is people. @param cause matchers, none for each */
export function incident(level: Level, cause: string): string {
  const matchers = cause === '' ? '' : `{${cause}}`;
  const people = lately(`${level}:edgepulse_impaired_sessions:sum${matchers}`);
  const share = lately(`${level}:edgepulse_impaired_sessions:ratio${matchers}`);
  return `${people} >= ${INCIDENT.people}
and
${share} >= ${INCIDENT.share}`;
}
