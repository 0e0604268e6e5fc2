/** The alerts on the edge, and on the limits of edgepulse itself. */
import { type AlertCase, REGION, rising, type Series, series, WELL } from './case.ts';
import { SILENCE_CASES } from './silence.ts';

function edgeBeacons(outcome: string, reason: string, perStep: number): Series {
  return series('edgepulse_edge_beacons_total', { ...REGION, outcome, reason }, rising(perStep));
}

/** Of a region with eight lanes, a process for each shard. */
function shardsOf(count: number, instance = `${count}:9464`, runs: (step: number) => boolean = () => true): Series[] {
  const value = (figure: number) => (step: number) => (runs(step) ? figure : undefined);
  return Array.from({ length: count }, (_, shard) => `${shard}/${count}`).flatMap((shard) => [
    series('edgepulse_lanes', { ...REGION, instance, shard }, value(8)),
    series('edgepulse_owned_lanes', { ...REGION, instance, shard }, value(8 / count)),
  ]);
}

export const EDGE_CASES: readonly AlertCase[] = [
  ...SILENCE_CASES,
  {
    alert: 'EdgepulseSpoolNotDraining',
    fires: {
      series: [...WELL, series('edgepulse_edge_spool_beacons', REGION, 1200)],
      at: 24,
      labels: REGION,
      summary:
        "1200 or more beacons have waited for 5 minutes in the spools of apac, and those that are 10 minutes old are dropped. The Forwarders can't publish: see edgepulse_edge_publish_errors_total, the limits and the disk of NATS, and the permissions of its user for the region.",
    },
    // A broker that restarts once a minute.
    quiet: [...WELL, series('edgepulse_edge_spool_beacons', REGION, (step) => (step % 4 === 0 ? 0 : 300))],
  },
  {
    alert: 'EdgepulseBeaconsDropped',
    fires: {
      series: [...WELL, edgeBeacons('dropped', 'full', 3), edgeBeacons('dropped', 'expired', 0)],
      at: 24,
      labels: { ...REGION, reason: 'full' },
      summary:
        'The edge of apac drops 0.20 accepted beacons a second, reason full. expired: NATS was away for over 10 minutes. full: 64 MB of spool are not enough, raise FORWARDERS. unpublishable: larger than max_payload of NATS.',
    },
    quiet: [...WELL, edgeBeacons('dropped', 'full', 0), edgeBeacons('accepted', '', 100)],
  },
  {
    alert: 'EdgepulseClientsRejected',
    fires: {
      series: [
        ...WELL,
        edgeBeacons('accepted', '', 90),
        edgeBeacons('rejected', 'token_expired', 10),
        edgeBeacons('rejected', 'invalid_field', 1),
      ],
      at: 30,
      labels: { ...REGION, reason: 'token_expired' },
      summary:
        '9.901% of the beacons of apac are rejected, reason token_expired: those people are in no figure. Usually a release: of a client (fields, size), of what mints tokens (token_*), or of ALLOWED_ORIGINS and the rate limits. docs/wire-format.md explains each reason.',
    },
    // Somebody who tries things out, at night: few people, and few beacons.
    quiet: [...WELL, edgeBeacons('accepted', '', 0.2), edgeBeacons('rejected', 'token_invalid', 0.1)],
  },
  {
    alert: 'EdgepulseEdgeUnavailable',
    fires: {
      series: [...WELL, edgeBeacons('accepted', '', 97), edgeBeacons('rejected', 'unavailable', 3)],
      at: 20,
      labels: { ...REGION, reason: 'unavailable' },
      summary:
        "The edge answers 503 to 3% of the beacons of apac, reason unavailable. unavailable: Forwarders are overloaded, raise FORWARDERS. spool_full: NATS has been away for too long. storage_failed: Cloudflare's storage, see its status page.",
    },
    quiet: [...WELL, edgeBeacons('accepted', '', 97), edgeBeacons('rejected', 'token_expired', 30)],
  },
  {
    alert: 'EdgepulseTopologyMismatch',
    fires: {
      series: [...WELL, series('edgepulse_topology_mismatch', REGION, 1)],
      at: 44,
      labels: REGION,
      summary:
        'Worker and aggregator of apac have had different REGIONS, SERVERS, LANES or SESSION_TTL_SECONDS for over 10 minutes: beacons may go where nobody reads. Deploy both from the same wrangler.toml.',
    },
    // A rollout of eight minutes.
    quiet: [...WELL, series('edgepulse_topology_mismatch', REGION, (step) => (step > 4 && step < 37 ? 1 : 0))],
  },
  {
    alert: 'EdgepulseShardsMismatch',
    fires: {
      // The change from two shards to four that stopped in the middle: 1/2 still runs beside all of the new ones.
      series: [...shardsOf(4), ...shardsOf(2).filter(({ labels }) => labels.shard === '1/2')],
      at: 40,
      labels: { ...REGION, job: 'edgepulse' },
      summary:
        'The aggregators of apac together read +4 lanes against LANES. More: some lanes are read twice, and their people counted twice on dashboards. Fewer: the beacons of some meetings are in no figure. Shards of two counts (SHARD=0/4 beside 0/8) run together, or one is missing: compare the label shard of edgepulse_owned_lanes, and stop those of the old count.',
    },
    // Both sets run together for eight minutes. Replicas are no second reader.
    quiet: [...shardsOf(4), ...shardsOf(4, 'b:9464'), ...shardsOf(2, 'c:9464', (step) => step > 4 && step < 37)],
  },
  {
    alert: 'EdgepulseUnownedSubjects',
    fires: {
      series: [...WELL, series('edgepulse_unowned_subjects', { reason: 'unknown_lane' }, 3)],
      at: 44,
      labels: { reason: 'unknown_lane' },
      summary:
        "3 subjects of the stream are read by nobody, reason unknown_lane: those beacons are in no figure. The aggregator's log names some; add their region or lanes to REGIONS or LANES of the aggregators.",
    },
    quiet: [...WELL, series('edgepulse_unowned_subjects', { reason: 'unknown_lane' }, 0)],
  },
  {
    alert: 'EdgepulseSeriesNearLimit',
    fires: {
      series: [
        series('edgepulse_session_series', { shard: '1/2' }, 47_500),
        series('edgepulse_session_series_limit', { shard: '1/2' }, 50_000),
      ],
      at: 30,
      labels: { job: 'edgepulse', shard: '1/2' },
      summary:
        '95% of MAX_SESSION_SERIES are in use on shard 1/2: soon the detail of people whose calls are fine is left out; what counts people stays complete. Raise it if Prometheus can take more series, or add shards.',
    },
    quiet: [series('edgepulse_session_series', {}, 40_000), series('edgepulse_session_series_limit', {}, 50_000)],
  },
  {
    alert: 'EdgepulseSessionsRefused',
    fires: {
      series: [...WELL, series('edgepulse_sessions_refused_total', REGION, rising(2))],
      at: 24,
      labels: REGION,
      summary:
        '40 beacons of new sessions in apac were ignored within 5 minutes, because MAX_SESSIONS sessions are alive: those people are in no figure. Raise MAX_SESSIONS if the memory allows, or add shards.',
    },
    quiet: [...WELL, series('edgepulse_sessions_refused_total', REGION, 12)],
  },
];
