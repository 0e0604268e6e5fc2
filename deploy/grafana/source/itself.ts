/** edgepulse itself: whether what the other dashboards show can be believed, and what needs attention before it can't. */
import type { DashboardOptions } from './dashboard.ts';
import { PROCESSES, SERIES } from './itself-processes.ts';
import { toBoard, UID } from './links.ts';
import { FEED_STATES, graph, heatmap, stat } from './panels.ts';
import { extreme, once, perSecond, quantileOfRate, select, sum } from './promql.ts';

const EDGE = 'edgepulse_edge_beacons_total';
const rejectedShare = `${perSecond({ name: EDGE, where: { outcome: '="rejected"' } })} / (${perSecond({ name: EDGE, where: { outcome: '=~"accepted|rejected"' } })} > 0)`;
/** Each shard has a limit of its own: the fullest one counts. */
const seriesShare = `max(${once(`${select({ name: 'edgepulse_session_series' })} / ${select({ name: 'edgepulse_session_series_limit' })}`)})`;

function counters(names: readonly (readonly [name: string, legend: string])[]) {
  return names.map(([name, legend]) => ({ expr: perSecond({ name, by: ['region'] }), legend: `${legend} {{region}}` }));
}

export const ITSELF_DASHBOARD: DashboardOptions = {
  uid: UID.itself,
  title: 'edgepulse itself',
  description: 'The feed from NATS, the edge, ingest, the limit of series, and the aggregator processes.',
  variables: [{ name: 'job', title: 'Job', selector: 'edgepulse_build_info' }],
  rows: [
    {
      title: 'Now',
      panels: [
        stat({
          title: 'Feeds',
          description: 'Can each region be heard? While a feed is down, its figures are unknown, not well.',
          unit: 'none',
          width: 8,
          mappings: FEED_STATES,
          legend: '{{region}}',
          expr: extreme('min', { name: 'edgepulse_feed_up', by: ['region'] }),
        }),
        stat({
          title: 'Aggregators',
          description: 'How many processes were scraped? Shards times replicas.',
          unit: 'short',
          width: 4,
          expr: 'count(edgepulse_build_info{job=~"$job"})',
        }),
        stat({
          title: 'Forwarders',
          description: 'How many Forwarders were heard within the last 30 s? Beacons and canaries keep them awake.',
          unit: 'short',
          width: 4,
          expr: sum({ name: 'edgepulse_forwarders' }),
        }),
        stat({
          title: 'Beacons rejected',
          description:
            'Which share of the beacons does the edge reject? Clients, tokens or origins are misconfigured: see the reasons below.',
          unit: 'percentunit',
          width: 4,
          limits: { warn: 0.01, bad: 0.05 },
          expr: rejectedShare,
        }),
        stat({
          title: 'Series used',
          description:
            'How much of MAX_SESSION_SERIES is used? When full, detail of newer sessions is left out; the population stays complete.',
          unit: 'percentunit',
          width: 4,
          limits: { warn: 0.8, bad: 0.95 },
          expr: seriesShare,
        }),
      ],
    },
    {
      title: 'Feed',
      panels: [
        graph({
          title: 'Feed lag',
          description: "How far behind the broker's time is what was read? Seconds behind, and the region is not `up`.",
          unit: 's',
          width: 8,
          targets: [
            { expr: extreme('max', { name: 'edgepulse_feed_lag_seconds', by: ['region'] }), legend: '{{region}}' },
          ],
          links: [toBoard('series')],
        }),
        graph({
          title: 'Reach of the stream',
          description:
            'How far back could a restart replay? Below SESSION_TTL_SECONDS it loses living sessions: give the stream more bytes.',
          unit: 's',
          width: 8,
          targets: [
            { expr: extreme('min', { name: 'edgepulse_stream_reach_seconds', by: ['region'] }), legend: '{{region}}' },
          ],
        }),
        graph({
          title: 'Topology and subjects that nobody reads',
          description:
            'Do the edge and the aggregators agree? Expected for minutes during a rollout; after that, beacons are lost: compare REGIONS, SERVERS and LANES.',
          unit: 'short',
          width: 8,
          targets: [
            {
              expr: extreme('max', { name: 'edgepulse_topology_mismatch', by: ['region'] }),
              legend: 'mismatch {{region}}',
            },
            { expr: extreme('max', { name: 'edgepulse_unowned_subjects', by: ['reason'] }), legend: '{{reason}}' },
          ],
        }),
      ],
    },
    {
      title: 'Edge',
      panels: [
        graph({
          title: 'Beacons accepted by region',
          description: 'Do beacons arrive? A region that falls to zero: clients, DNS, the worker or its route.',
          unit: 'ops',
          width: 12,
          stacked: true,
          targets: [
            {
              expr: perSecond({ name: EDGE, by: ['region'], where: { outcome: '="accepted"' } }),
              legend: '{{region}}',
            },
          ],
          links: [toBoard('series')],
        }),
        graph({
          title: 'Beacons rejected by reason',
          description: 'Why are clients refused? The reason is what they were answered.',
          unit: 'ops',
          width: 12,
          stacked: true,
          targets: [
            {
              expr: `${perSecond({ name: EDGE, by: ['reason'], where: { outcome: '="rejected"' } })} > 0`,
              legend: '{{reason}}',
            },
          ],
        }),
        graph({
          title: 'Age of the newest canary',
          description:
            'Is the way from the edge open, whether or not anybody is calling? Below 2 minutes it is; absent where no cron runs.',
          unit: 's',
          width: 6,
          targets: [
            { expr: extreme('max', { name: 'edgepulse_canary_age_seconds', by: ['region'] }), legend: '{{region}}' },
          ],
        }),
        graph({
          title: 'Spool',
          description: 'Is NATS reachable from the edge? Beacons wait in a spool while it is not, 10 minutes at most.',
          unit: 'short',
          width: 6,
          stacked: true,
          targets: [{ expr: sum({ name: 'edgepulse_edge_spool_beacons', by: ['region'] }), legend: '{{region}}' }],
        }),
        graph({
          title: 'Time to publish, p99',
          description: 'How long does NATS take to store a batch? Slow disks or a cluster without a leader.',
          unit: 's',
          width: 6,
          targets: [
            {
              expr: quantileOfRate(0.99, { name: 'edgepulse_edge_publish_seconds', by: ['region'] }),
              legend: '{{region}}',
            },
          ],
        }),
        graph({
          title: 'Errors of the edge',
          description: 'What fails there? Dropped beacons are lost; everything else was retried.',
          unit: 'ops',
          width: 6,
          targets: [
            {
              expr: perSecond({ name: EDGE, by: ['region', 'reason'], where: { outcome: '="dropped"' } }),
              legend: 'dropped {{reason}} {{region}}',
            },
            ...counters([
              ['edgepulse_edge_publish_errors_total', 'publish'],
              ['edgepulse_edge_overloaded_calls_total', 'overloaded'],
              ['edgepulse_edge_jwks_errors_total', 'JWKS'],
              ['edgepulse_forwarder_messages_invalid_total', 'damaged counters'],
              ['edgepulse_canaries_rejected_total', 'rejected canaries'],
            ]),
          ],
        }),
      ],
    },
    {
      title: 'Ingest',
      panels: [
        graph({
          title: 'Beacons by outcome',
          description:
            'What becomes of what is read? late: older than a TTL on arrival, after an outage. invalid: not from our edge.',
          unit: 'ops',
          width: 12,
          stacked: true,
          targets: [{ expr: perSecond({ name: 'edgepulse_beacons_total', by: ['outcome'] }), legend: '{{outcome}}' }],
        }),
        graph({
          title: 'Beacons lost, values not counted',
          description:
            'Do beacons get lost on the way, by gaps in their numbers, or do clients give them up? Few: networks of clients. Many: see the edge. Implausible values grew faster than is possible: usually a new release of a client.',
          unit: 'ops',
          width: 12,
          targets: counters([
            ['edgepulse_beacons_lost_total', 'lost'],
            ['edgepulse_client_dropped_beacons_total', 'given up by clients'],
            ['edgepulse_sessions_refused_total', 'over MAX_SESSIONS'],
            ['edgepulse_implausible_total', 'implausible values'],
          ]),
        }),
        heatmap({
          title: 'Delay from the edge to applied',
          description:
            'How old is what the board shows? Mostly tens of milliseconds; a second band: a spool that drains, or a slow region.',
          unit: 's',
          width: 12,
          expr: perSecond({ name: 'edgepulse_ingest_delay_seconds_bucket', by: ['le'] }),
        }),
        graph({
          title: 'Ingest delay p99 and clock skew',
          description:
            'Which region is slow? Dashed: how far a clock is off, which decides nothing but explains odd delays.',
          unit: 's',
          width: 12,
          targets: [
            {
              expr: quantileOfRate(0.99, { name: 'edgepulse_ingest_delay_seconds', by: ['region'] }),
              legend: '{{region}}',
            },
            {
              expr: `max by (region, clock) (abs(${once(select({ name: 'edgepulse_clock_skew_seconds' }))}))`,
              legend: 'skew of {{clock}} {{region}}',
            },
          ],
          dashed: '/^skew /',
        }),
      ],
    },
    SERIES,
    PROCESSES,
  ],
};
