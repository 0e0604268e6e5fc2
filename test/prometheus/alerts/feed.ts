/** The alerts on what brings the figures. */
import { type AlertCase, REGION, rising, series, WELL } from './case.ts';

const OTHER = { instance: 'b:9464' };
const EU = { region: 'eu-west' };

function withoutUp(step: number): number | undefined {
  return step < 4 ? 1 : undefined;
}

export const FEED_CASES: readonly AlertCase[] = [
  {
    alert: 'EdgepulseAbsent',
    fires: {
      series: [series('up', {}, 0)],
      at: 20,
      labels: {},
      summary:
        'No aggregator was scraped for 2 minutes: nothing is known of any call, and no other alert of edgepulse can fire. Start the aggregators, or repair the scrape configuration (job edgepulse).',
    },
    quiet: WELL,
  },
  {
    alert: 'EdgepulseTargetDown',
    fires: {
      series: [...WELL, series('up', OTHER, (step) => (step < 4 ? 1 : 0))],
      at: 20,
      labels: { job: 'edgepulse', ...OTHER },
      summary:
        'b:9464 has not been scraped for 3 minutes. While another replica of its shard is up, nothing is missing; start it again before that one fails too.',
    },
    // Every third scrape fails.
    quiet: [...WELL, series('up', OTHER, (step) => (step % 3 === 0 ? 0 : 1))],
  },
  {
    alert: 'EdgepulseRegionUnobserved',
    fires: {
      series: [...WELL, series('edgepulse_feed_up', { ...EU, ...OTHER }, withoutUp)],
      at: 20,
      labels: { job: 'edgepulse', ...EU },
      summary:
        'No aggregator of eu-west has been scraped for 2 minutes: nothing is known of the calls there. Start one with this REGION and SHARD.',
    },
    // One process of one shard becomes two of two: nobody misses the first, though its region is another.
    quiet: [
      ...[0, 1].flatMap((shard) => [
        series('edgepulse_build_info', { version: '1.2.3', shard: `${shard}/2`, instance: `new-${shard}` }, 1),
        series('edgepulse_feed_up', { ...REGION, shard: `${shard}/2`, instance: `new-${shard}` }, 1),
      ]),
      series('edgepulse_build_info', { version: '1.2.3' }, withoutUp),
      series('edgepulse_feed_up', REGION, withoutUp),
    ],
  },
  {
    alert: 'EdgepulseFeedDown',
    fires: {
      series: [...WELL.slice(0, 2), series('edgepulse_feed_up', REGION, 0), series('edgepulse_feed_up', EU, 1)],
      at: 8,
      labels: REGION,
      summary:
        'The aggregators have not heard the feed of apac, or are behind it, for over a minute: nothing is known of the calls there. See /readyz and the log of the aggregator, then NATS: is the server up, do the credentials hold, is there a stream HEALTH?',
    },
    // One of two replicas hears it; the other one restarts.
    quiet: [...WELL, series('edgepulse_feed_up', { ...REGION, ...OTHER }, 0)],
  },
  {
    alert: 'EdgepulseReplicaFeedDown',
    fires: {
      series: [...WELL, series('edgepulse_feed_up', { ...REGION, ...OTHER }, 0)],
      at: 44,
      labels: { job: 'edgepulse', ...REGION, ...OTHER },
      summary:
        'b:9464 has not heard the feed of apac for 10 minutes. While another replica hears it, nothing is missing; see its log before that one fails too.',
    },
    quiet: [...WELL, series('edgepulse_feed_up', { ...REGION, ...OTHER }, (step) => (step % 10 < 9 ? 0 : 1))],
  },
  {
    alert: 'EdgepulseRegionOnFallback',
    fires: {
      series: [
        ...WELL,
        series('edgepulse_feed_messages_total', { ...REGION, source: 'eu-west', role: 'fallback' }, rising(2)),
      ],
      at: 12,
      labels: { ...REGION, source: 'eu-west' },
      summary:
        "Forwarders of apac publish through the NATS of eu-west, because they do not reach the region's own. Nothing is missing while that goes on; see whether the NATS of apac is up, and can be reached from the edge, before eu-west fails too.",
    },
    // It was used once, and is not now.
    quiet: [
      ...WELL,
      series('edgepulse_feed_messages_total', { ...REGION, source: 'apac', role: 'home' }, rising(2)),
      series('edgepulse_feed_messages_total', { ...REGION, source: 'eu-west', role: 'fallback' }, 40),
    ],
  },
  {
    alert: 'EdgepulseFeedLagging',
    fires: {
      series: [...WELL, series('edgepulse_feed_lag_seconds', REGION, 3.2)],
      at: 12,
      labels: REGION,
      summary:
        'The aggregators read the feed of apac 3.2s late: what they show is that old, and from 5 s on they count as down. Give the aggregator more processor, or divide the region into more shards (docs/scaling.md).',
    },
    quiet: [
      ...WELL,
      series('edgepulse_feed_lag_seconds', REGION, 0.4),
      series('edgepulse_feed_lag_seconds', { ...REGION, ...OTHER }, 30),
    ],
  },
  {
    alert: 'EdgepulseIngestDelayHigh',
    fires: {
      series: [...WELL, ...ingestDelay({ 2.5: 90, 5: 95, 10: 100, '+Inf': 100 })],
      at: 30,
      labels: REGION,
      summary:
        'One beacon in a hundred takes 9s or more from the edge of apac to the aggregator: the board is that late for some. See edgepulse_edge_publish_seconds (NATS is slow), edgepulse_edge_spool_beacons (a spool drains) and edgepulse_feed_lag_seconds (the aggregator is).',
    },
    quiet: [...WELL, ...ingestDelay({ 2.5: 90, 5: 100, 10: 100, '+Inf': 100 })],
  },
  {
    alert: 'EdgepulseBeaconsLost',
    fires: {
      series: [
        ...WELL,
        series('edgepulse_beacons_total', { ...REGION, outcome: 'applied' }, rising(90)),
        series('edgepulse_beacons_lost_total', REGION, rising(10)),
      ],
      at: 30,
      labels: REGION,
      summary:
        '10% of the beacons of apac never arrived. Compare with what the edge rejected and dropped (edgepulse_edge_beacons_total); if it is neither, clients lose them on the way: see edgepulse_client_dropped_beacons_total.',
    },
    quiet: [
      ...WELL,
      series('edgepulse_beacons_total', { ...REGION, outcome: 'applied' }, rising(90)),
      series('edgepulse_beacons_lost_total', REGION, rising(3)),
    ],
  },
  {
    alert: 'EdgepulseStreamReachShort',
    fires: {
      series: [...WELL, series('edgepulse_stream_reach_seconds', REGION, 22)],
      at: 30,
      labels: REGION,
      summary:
        "The stream of apac reaches back 22s only, less than a session's TTL: an aggregator that restarts now loses people until their next beacon. Raise max_bytes of the stream HEALTH, or the disk of NATS.",
    },
    quiet: [...WELL, series('edgepulse_stream_reach_seconds', REGION, 60)],
  },
  {
    alert: 'EdgepulseImplausibleValues',
    fires: {
      series: [
        ...WELL,
        series('edgepulse_beacons_total', { ...REGION, outcome: 'applied' }, rising(150)),
        series('edgepulse_implausible_total', { ...REGION, field: 'concealedSamples' }, rising(30)),
        series('edgepulse_implausible_total', { ...REGION, field: 'freezeCount' }, 3),
      ],
      at: 45,
      labels: { ...REGION, field: 'concealedSamples' },
      summary:
        'In apac, 2.00 values a second of concealedSamples grow by more than is possible, and are not counted. Usually a new release of a client reports it in another unit or not cumulatively: see docs/wire-format.md, and which client (edgepulse_sessions_by_client).',
    },
    quiet: [
      ...WELL,
      series('edgepulse_beacons_total', { ...REGION, outcome: 'applied' }, rising(150)),
      series('edgepulse_implausible_total', { ...REGION, field: 'concealedSamples' }, rising(0.5)),
    ],
  },
  {
    alert: 'EdgepulseClockSkew',
    fires: {
      series: [
        ...WELL,
        series('edgepulse_clock_skew_seconds', { ...REGION, clock: 'host' }, -7.5),
        series('edgepulse_clock_skew_seconds', { ...REGION, clock: 'edge' }, 0.1),
      ],
      at: 30,
      labels: { ...REGION, clock: 'host' },
      summary:
        "The clock of the aggregator's host is 7.5s away from the broker's in apac. No figure depends on it, but times in logs do: repair NTP on the host, or, where all of them differ, on the broker.",
    },
    quiet: [...WELL, series('edgepulse_clock_skew_seconds', { ...REGION, clock: 'host' }, -1)],
  },
];

function ingestDelay(perStep: Readonly<Record<string, number>>) {
  return Object.entries(perStep).map(([le, count]) =>
    series('edgepulse_ingest_delay_seconds_bucket', { ...REGION, le }, rising(count)),
  );
}
