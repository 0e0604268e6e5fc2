/** Whether anything arrives from the edge at all: of the people who were there, and of the canaries that need nobody. */
import { CANARY_INTERVAL_MS } from '../../../shared/canary.ts';
import { INCIDENT } from '../../../shared/objectives.ts';
import { increase, lately } from './expressions.ts';
import type { Alert, Recording } from './rule.ts';
import { PIPELINE } from './thresholds.ts';

const stale = 'region_reason:edgepulse_sessions_reaped:increase2m{reason="stale"}';
const canaryAge = 'region:edgepulse_canary_age_seconds:max';
const missedCanaries = (PIPELINE.canarySeconds * 1000) / CANARY_INTERVAL_MS;

/** Of the replica that has heard the newest, and then of the shard whose canary is the oldest. */
export const SILENCE_RECORDED: readonly Recording[] = [
  { record: canaryAge, expr: 'max by (region) (min without (instance, pod) (edgepulse_canary_age_seconds))' },
];

/** None for a while; or none at all since the aggregators were started, though there were some within the last day. */
const noCanary = `(
  ${lately(canaryAge)} > ${PIPELINE.canarySeconds}
or
  max by (region) (last_over_time(edgepulse_canary_age_seconds[1d]))
  unless on (region) last_over_time(${canaryAge}[${PIPELINE.canarySeconds}s])
)
and on (region)
${lately('region:edgepulse_feed_up:min')} == 1`;

/** Of applied, late and invalid ones alike. */
const noBeacon = `sum by (region) (${increase('edgepulse_beacons_total', '2m')}) == 0`;

export const SILENCE_ALERTS: readonly Alert[] = [
  {
    alert: 'EdgepulseEdgeSilent',
    // Its Forwarders count nothing either, not even rejected beacons. They are awake all the same: canaries wake them.
    expr: `sum by (region) (${increase('edgepulse_edge_beacons_total', '1m')}) == 0
and on (region)
sum by (region) (${increase('edgepulse_beacons_total', '1m')}) == 0
and on (region)
${lately('region:edgepulse_feed_up:min')} == 1
and on (region)
max_over_time(${stale}[1h]) >= ${INCIDENT.people}
and on (region)
max_over_time(${stale}[1h]) >= on (region) 0.5 * max_over_time(region:edgepulse_sessions:sum[1h])`,
    for: '30s',
    severity: 'page',
    needsFeed: true,
    when: `no beacon of a region is heard and its Forwarders count none, though the feed is up, and at least half of the region's sessions, and at least ${INCIDENT.people}, vanished together within the last hour`,
    summary:
      'Nothing arrives from the edge of {{ $labels.region }}, although the feed is up, and its sessions vanished all at once. If edgepulse_canary_age_seconds stays below 2 minutes, the Forwarders reach NATS: it is the route of the worker, DNS, or the client. If it rises, they are cut off from NATS, or the worker does not run.',
  },
  {
    alert: 'EdgepulseCanaryMissing',
    expr: `${noCanary}
and on (region)
${noBeacon}`,
    for: '1m',
    severity: 'page',
    needsFeed: true,
    when: `no beacon arrives from a region, and no canary has for ${missedCanaries} minutes, though the feed is up: it is not that nobody is calling`,
    summary:
      'Neither beacons nor canaries arrive from the edge of {{ $labels.region }}, although the feed is up: whoever calls there now is not seen. Post a beacon there by hand (README.md): if the worker answers 204, its Forwarders are cut off from NATS; if it does not answer, it does not run. If the beacon arrives, its Cron Trigger does not run.',
  },
  {
    alert: 'EdgepulseCanaryOverdue',
    expr: noCanary,
    for: '10m',
    severity: 'ticket',
    needsFeed: true,
    when: `no canary of a lane of a region has arrived for ${missedCanaries} minutes and 10 more, whatever beacons do: silence there would not be noticed`,
    summary:
      'No canary of a lane of {{ $labels.region }} has arrived for over 10 minutes. Where beacons arrive, it is the Cron Trigger (crons in wrangler.toml), CANARY_SECRET (edgepulse_canaries_rejected_total), or LANES; until then, silence of that region pages nobody.',
  },
];
