/** Whether edgepulse itself can be believed: is it scraped, does it hear the broker, does anything get lost on the way. */
import { gauge, lately, overShards, rate, withShards } from './expressions.ts';
import type { Alert, Recording } from './rule.ts';
import { percent, valueAs } from './text.ts';
import { PIPELINE } from './thresholds.ts';

export const FEED_RECORDED: readonly Recording[] = [
  { record: 'region:edgepulse_feed_up:min', expr: `min by (region) ${gauge('edgepulse_feed_up')}` },
  {
    // Of the replica that is furthest on, and then of the shard that is furthest behind.
    record: 'region:edgepulse_feed_lag_seconds:max',
    expr: 'max by (region) (min without (instance, pod) (edgepulse_feed_lag_seconds))',
  },
  {
    record: 'region_outcome:edgepulse_beacons:rate5m',
    expr: overShards('region, outcome', rate('edgepulse_beacons_total', '5m')),
  },
  {
    record: 'region:edgepulse_beacons_lost:rate5m',
    expr: overShards('region', rate('edgepulse_beacons_lost_total', '5m')),
  },
  {
    record: 'region:edgepulse_ingest_delay_seconds:p99_rate5m',
    expr: `histogram_quantile(0.99, ${overShards('region, le', rate('edgepulse_ingest_delay_seconds_bucket', '5m'))})`,
  },
];

const SCRAPES: readonly Alert[] = [
  {
    alert: 'EdgepulseAbsent',
    expr: 'absent_over_time(edgepulse_build_info[1m])',
    // For a Prometheus that has just started, everything is absent.
    for: '1m',
    severity: 'page',
    when: 'no aggregator at all was scraped for 2 minutes',
    summary:
      'No aggregator was scraped for 2 minutes: nothing is known of any call, and no other alert of edgepulse can fire. Start the aggregators, or repair the scrape configuration (job edgepulse).',
  },
  {
    alert: 'EdgepulseTargetDown',
    expr: 'max_over_time(up{job="edgepulse"}[2m]) == 0',
    for: '1m',
    severity: 'ticket',
    when: 'an aggregator was not scraped for 3 minutes',
    summary:
      '{{ $labels.instance }} has not been scraped for 3 minutes. While another replica of its shard is up, nothing is missing; start it again before that one fails too.',
  },
  {
    alert: 'EdgepulseRegionUnobserved',
    // After a change of the number of shards the old ones are gone for good: a shard is missed only beside one of its own number.
    expr: `(
${withShards('group by (region, job, shard) (last_over_time(edgepulse_feed_up[1d]))')}
unless
${withShards('group by (region, job, shard) (last_over_time(edgepulse_feed_up[1m]))')}
)
and on (job, shards)
${withShards('group by (job, shard) (last_over_time(edgepulse_build_info[1m]))')}`,
    for: '1m',
    severity: 'page',
    when: 'a region, or a shard of it, that was scraped within the last day has had no aggregator for 2 minutes, though others have',
    summary:
      'No aggregator of {{ $labels.region }}{{ with $labels.shard }} (shard {{ . }}){{ end }} has been scraped for 2 minutes: nothing is known of the calls there. Start one with this REGION and SHARD.',
  },
];

const FEEDS: readonly Alert[] = [
  {
    alert: 'EdgepulseFeedDown',
    expr: `${lately('region:edgepulse_feed_up:min')} == 0`,
    for: '1m',
    keepFiringFor: '1m',
    severity: 'page',
    when: 'no replica of a shard of the region has heard its feed, or caught up with it, for a minute',
    summary:
      'The aggregators have not heard the feed of {{ $labels.region }}, or are behind it, for over a minute: nothing is known of the calls there. See /readyz and the log of the aggregator, then NATS: is the server up, do the credentials hold, is there a stream HEALTH?',
  },
  {
    alert: 'EdgepulseReplicaFeedDown',
    expr: 'max_over_time(edgepulse_feed_up[5m]) == 0',
    for: '5m',
    severity: 'ticket',
    when: 'one aggregator has not heard the feed of a region for 10 minutes, whatever others hear',
    summary:
      '{{ $labels.instance }} has not heard the feed of {{ $labels.region }} for 10 minutes. While another replica hears it, nothing is missing; see its log before that one fails too.',
  },
  {
    alert: 'EdgepulseRegionOnFallback',
    expr: `sum by (region, source) (${rate('edgepulse_feed_messages_total{role="fallback"}', '2m')}) > 0`,
    for: '2m',
    keepFiringFor: '2m',
    severity: 'ticket',
    when: "Forwarders of a region have published through another region's NATS for 2 minutes",
    summary:
      "Forwarders of {{ $labels.region }} publish through the NATS of {{ $labels.source }}, because they do not reach the region's own. Nothing is missing while that goes on; see whether the NATS of {{ $labels.region }} is up, and can be reached from the edge, before {{ $labels.source }} fails too.",
  },
  {
    alert: 'EdgepulseFeedLagging',
    expr: `${lately('region:edgepulse_feed_lag_seconds:max')} > ${PIPELINE.feedLagSeconds}`,
    for: '2m',
    keepFiringFor: '2m',
    severity: 'ticket',
    when: `what has been read of a region's feed has been over ${PIPELINE.feedLagSeconds} s behind for 2 minutes`,
    summary: `The aggregators read the feed of {{ $labels.region }} ${valueAs('duration')} late: what they show is that old, and from 5 s on they count as down. Give the aggregator more processor, or divide the region into more shards (docs/scaling.md).`,
  },
  {
    alert: 'EdgepulseIngestDelayHigh',
    expr: `${lately('region:edgepulse_ingest_delay_seconds:p99_rate5m')} > ${PIPELINE.ingestDelaySeconds}`,
    for: '5m',
    keepFiringFor: '2m',
    severity: 'ticket',
    needsFeed: true,
    when: `one beacon in a hundred takes more than ${PIPELINE.ingestDelaySeconds} s from the edge to the aggregator, for 5 minutes`,
    summary: `One beacon in a hundred takes ${valueAs('duration')} or more from the edge of {{ $labels.region }} to the aggregator: the board is that late for some. See edgepulse_edge_publish_seconds (NATS is slow), edgepulse_edge_spool_beacons (a spool drains) and edgepulse_feed_lag_seconds (the aggregator is).`,
  },
];

const LOSSES: readonly Alert[] = [
  {
    alert: 'EdgepulseBeaconsLost',
    expr: `region:edgepulse_beacons_lost:rate5m
/ (region:edgepulse_beacons_lost:rate5m + on (region) region_outcome:edgepulse_beacons:rate5m{outcome="applied"})
> ${PIPELINE.lostShare}`,
    for: '5m',
    keepFiringFor: '5m',
    severity: 'ticket',
    needsFeed: true,
    when: `over ${percent(PIPELINE.lostShare)} of the beacons of a region are missing by their sequence numbers, for 5 minutes`,
    summary: `${valueAs('percent')} of the beacons of {{ $labels.region }} never arrived. Compare with what the edge rejected and dropped (edgepulse_edge_beacons_total); if it is neither, clients lose them on the way: see edgepulse_client_dropped_beacons_total.`,
  },
  {
    alert: 'EdgepulseStreamReachShort',
    expr: `min by (region) (min_over_time(edgepulse_stream_reach_seconds[2m])) < ${PIPELINE.ttlSeconds}`,
    for: '5m',
    severity: 'ticket',
    when: `the stream reaches back less than a session's TTL (${PIPELINE.ttlSeconds} s) for 5 minutes`,
    summary: `The stream of {{ $labels.region }} reaches back ${valueAs('duration')} only, less than a session's TTL: an aggregator that restarts now loses people until their next beacon. Raise max_bytes of the stream HEALTH, or the disk of NATS.`,
  },
  {
    alert: 'EdgepulseImplausibleValues',
    expr: `${overShards('region, field', rate('edgepulse_implausible_total', '10m'))}
> on (region) group_left ()
${PIPELINE.implausibleShare} * region_outcome:edgepulse_beacons:rate5m{outcome="applied"}`,
    for: '5m',
    keepFiringFor: '5m',
    severity: 'ticket',
    needsFeed: true,
    when: `values of one field that grew by more than is possible come in over ${percent(PIPELINE.implausibleShare)} of the beacons of a region, for 5 minutes`,
    summary: `In {{ $labels.region }}, {{ $value | printf "%.2f" }} values a second of {{ $labels.field }} grow by more than is possible, and are not counted. Usually a new release of a client reports it in another unit or not cumulatively: see docs/wire-format.md, and which client (edgepulse_sessions_by_client).`,
  },
  {
    alert: 'EdgepulseClockSkew',
    expr: `max by (region, clock) (abs(avg_over_time(edgepulse_clock_skew_seconds[2m]))) > ${PIPELINE.clockSkewSeconds}`,
    for: '5m',
    severity: 'ticket',
    when: `a clock is over ${PIPELINE.clockSkewSeconds} s away from the broker's for 5 minutes`,
    summary: `The clock of the {{ if eq $labels.clock "host" }}aggregator's host{{ else }}edge{{ end }} is ${valueAs('duration')} away from the broker's in {{ $labels.region }}. No figure depends on it, but times in logs do: repair NTP on the host, or, where all of them differ, on the broker.`,
  },
];

export const FEED_ALERTS: readonly Alert[] = [...SCRAPES, ...FEEDS, ...LOSSES];
