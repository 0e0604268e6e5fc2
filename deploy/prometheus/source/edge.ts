/** What happens between the client and the broker, and the limits of edgepulse itself. */
import { INCIDENT } from '../../../shared/objectives.ts';
import { REJECT_STATUS } from '../../../shared/reject.ts';
import { gauge, increase, lately, overShards, rate } from './expressions.ts';
import type { Alert, Recording } from './rule.ts';
import { SILENCE_ALERTS, SILENCE_RECORDED } from './silence.ts';
import { percent, valueAs } from './text.ts';
import { PIPELINE } from './thresholds.ts';

/** Reasons that are the edge's own: it answered 503, and the client tries again. */
const OWN_REASONS = Object.entries(REJECT_STATUS)
  .filter(([, status]) => status >= 500)
  .map(([reason]) => reason)
  .join('|');

export const EDGE_RECORDED: readonly Recording[] = [
  {
    record: 'region:edgepulse_edge_spool_beacons:sum',
    expr: overShards('region', gauge('edgepulse_edge_spool_beacons')),
  },
  { record: 'region:edgepulse_forwarders:max', expr: `max by (region) ${gauge('edgepulse_forwarders')}` },
  ...SILENCE_RECORDED,
  {
    record: 'region_outcome_reason:edgepulse_edge_beacons:rate5m',
    expr: overShards('region, outcome, reason', rate('edgepulse_edge_beacons_total', '5m')),
  },
];

const arrived = 'region_outcome_reason:edgepulse_edge_beacons:rate5m{outcome=~"accepted|rejected"}';

function rejected(reason: string, share: number): string {
  const beacons = `sum by (region, reason) (region_outcome_reason:edgepulse_edge_beacons:rate5m{outcome="rejected",${reason}})`;
  return `${beacons} / on (region) group_left () sum by (region) (${arrived}) > ${share}
and
300 * ${beacons} >= ${INCIDENT.people}`;
}

const SPOOL: readonly Alert[] = [
  {
    alert: 'EdgepulseSpoolNotDraining',
    expr: 'min_over_time(region:edgepulse_edge_spool_beacons:sum[3m]) > 0',
    for: '2m',
    severity: 'page',
    needsFeed: true,
    when: 'beacons wait in the spools of a region for 5 minutes: after 10 they are dropped',
    summary: `${valueAs('count')} or more beacons have waited for 5 minutes in the spools of {{ $labels.region }}, and those that are 10 minutes old are dropped. The Forwarders can't publish: see edgepulse_edge_publish_errors_total, the limits and the disk of NATS, and the permissions of its user for the region.`,
  },
  {
    alert: 'EdgepulseBeaconsDropped',
    expr: 'sum by (region, reason) (region_outcome_reason:edgepulse_edge_beacons:rate5m{outcome="dropped"}) > 0',
    keepFiringFor: '5m',
    severity: 'ticket',
    needsFeed: true,
    when: 'the edge dropped beacons that it had accepted, within the last 5 minutes',
    summary:
      'The edge of {{ $labels.region }} drops {{ $value | printf "%.2f" }} accepted beacons a second, reason {{ $labels.reason }}. expired: NATS was away for over 10 minutes. full: 64 MB of spool are not enough, raise FORWARDERS. unpublishable: larger than max_payload of NATS.',
  },
];

const REJECTED: readonly Alert[] = [
  {
    alert: 'EdgepulseClientsRejected',
    expr: rejected(`reason!~"${OWN_REASONS}"`, PIPELINE.rejectedShare),
    for: '5m',
    keepFiringFor: '5m',
    severity: 'ticket',
    needsFeed: true,
    when: `over ${percent(PIPELINE.rejectedShare)} of a region's beacons, and at least ${INCIDENT.people} in 5 minutes, are rejected for one reason that lies with the client, for 5 minutes`,
    summary: `${valueAs('percent')} of the beacons of {{ $labels.region }} are rejected, reason {{ $labels.reason }}: those people are in no figure. Usually a release: of a client (fields, size), of what mints tokens (token_*), or of ALLOWED_ORIGINS and the rate limits. docs/wire-format.md explains each reason.`,
  },
  {
    alert: 'EdgepulseEdgeUnavailable',
    expr: rejected(`reason=~"${OWN_REASONS}"`, PIPELINE.unavailableShare),
    for: '2m',
    keepFiringFor: '2m',
    severity: 'page',
    needsFeed: true,
    when: `over ${percent(PIPELINE.unavailableShare)} of a region's beacons, and at least ${INCIDENT.people} in 5 minutes, are answered 503, for 2 minutes`,
    summary: `The edge answers 503 to ${valueAs('percent')} of the beacons of {{ $labels.region }}, reason {{ $labels.reason }}. unavailable: Forwarders are overloaded, raise FORWARDERS. spool_full: NATS has been away for too long. storage_failed: Cloudflare's storage, see its status page.`,
  },
];

const TOPOLOGY: readonly Alert[] = [
  {
    alert: 'EdgepulseTopologyMismatch',
    expr: 'max by (region) (min_over_time(edgepulse_topology_mismatch[2m])) == 1',
    for: '10m',
    severity: 'ticket',
    when: 'worker and aggregator have had different topologies for over 10 minutes: longer than a rollout takes',
    summary:
      'Worker and aggregator of {{ $labels.region }} have had different REGIONS, SERVERS, LANES or SESSION_TTL_SECONDS for over 10 minutes: beacons may go where nobody reads. Deploy both from the same wrangler.toml.',
  },
  {
    alert: 'EdgepulseShardsMismatch',
    // More than LANES are read twice, fewer leave some to nobody.
    expr: `(
  sum by (job, region) (max without (instance, pod) (${lately('edgepulse_owned_lanes')}))
  - on (job, region)
  max by (job, region) (${lately('edgepulse_lanes')})
) != 0`,
    for: '10m',
    severity: 'ticket',
    when: 'for over 10 minutes, the aggregators of a region together have read more lanes than there are, or fewer',
    summary:
      'The aggregators of {{ $labels.region }} together read {{ $value | printf "%+.0f" }} lanes against LANES. More: some lanes are read twice, and their people counted twice on dashboards. Fewer: the beacons of some meetings are in no figure. Shards of two counts (SHARD=0/4 beside 0/8) run together, or one is missing: compare the label shard of edgepulse_owned_lanes, and stop those of the old count.',
  },
  {
    alert: 'EdgepulseUnownedSubjects',
    expr: 'max by (reason) (min_over_time(edgepulse_unowned_subjects[2m])) > 0',
    for: '10m',
    severity: 'ticket',
    when: 'the stream has had subjects that no aggregator reads, for over 10 minutes',
    summary: `${valueAs('count')} subjects of the stream are read by nobody, reason {{ $labels.reason }}: those beacons are in no figure. The aggregator's log names some; add their region or lanes to REGIONS or LANES of the aggregators.`,
  },
];

const LIMITS: readonly Alert[] = [
  {
    alert: 'EdgepulseSeriesNearLimit',
    expr: `max without (instance, pod) (
  max_over_time(edgepulse_session_series[2m]) / max_over_time(edgepulse_session_series_limit[2m])
) > ${PIPELINE.seriesShare}`,
    for: '5m',
    severity: 'ticket',
    when: `over ${percent(PIPELINE.seriesShare)} of MAX_SESSION_SERIES are used for 5 minutes`,
    summary: `${valueAs('percent')} of MAX_SESSION_SERIES are in use{{ with $labels.shard }} on shard {{ . }}{{ end }}: soon the detail of people whose calls are fine is left out; what counts people stays complete. Raise it if Prometheus can take more series, or add shards.`,
  },
  {
    alert: 'EdgepulseSessionsRefused',
    expr: `${overShards('region', increase('edgepulse_sessions_refused_total', '5m'))} > 0`,
    keepFiringFor: '5m',
    severity: 'ticket',
    needsFeed: true,
    when: 'beacons of new sessions were ignored within the last 5 minutes, because MAX_SESSIONS were alive',
    summary: `${valueAs('count')} beacons of new sessions in {{ $labels.region }} were ignored within 5 minutes, because MAX_SESSIONS sessions are alive: those people are in no figure. Raise MAX_SESSIONS if the memory allows, or add shards.`,
  },
];

export const EDGE_ALERTS: readonly Alert[] = [...SILENCE_ALERTS, ...SPOOL, ...REJECTED, ...TOPOLOGY, ...LIMITS];
