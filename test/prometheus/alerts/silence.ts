/** The alerts on an edge from which nothing arrives. */
import { type AlertCase, REGION, SERVER, type Series, type Situation, series, WELL } from './case.ts';

const beacons = (perStep: number, untilStep = Number.POSITIVE_INFINITY) =>
  series('edgepulse_beacons_total', { ...REGION, outcome: 'applied' }, (step) => perStep * Math.min(step, untilStep));

/** One arrives every four steps, until the last one at that step. */
const canaries = (lastStep: number) =>
  series('edgepulse_canary_age_seconds', REGION, (step) => (step <= lastStep ? step % 4 : step - lastStep) * 15);

/** What the edge counts until it falls silent at step 20. */
const edge = (outcome: string, perStep: number, untilStep = 20) =>
  series(
    'edgepulse_edge_beacons_total',
    { ...REGION, outcome, reason: outcome === 'rejected' ? 'token_expired' : '' },
    (step) => perStep * Math.min(step, untilStep),
  );

/** People who talk until the edge falls silent at step 20, and how they leave. */
function silentEdge(reason: 'left' | 'stale', rejected: Series): Series[] {
  return [
    ...WELL,
    // Canaries keep it awake.
    series('edgepulse_forwarders', REGION, 1),
    series('edgepulse_sessions', SERVER, (step) => (step < 22 ? 84 : undefined)),
    series('edgepulse_meetings', REGION, (step) => (step < 22 ? 12 : 0)),
    beacons(250, 20),
    edge('accepted', 250),
    rejected,
    series('edgepulse_sessions_reaped_total', { ...REGION, reason }, (step) => (step < 22 ? 0 : 84)),
  ];
}

export const SILENCE_CASES: readonly AlertCase[] = [
  {
    alert: 'EdgepulseEdgeSilent',
    fires: {
      series: silentEdge('stale', edge('rejected', 0)),
      at: 30,
      labels: REGION,
      summary:
        'Nothing arrives from the edge of apac, although the feed is up, and its sessions vanished all at once. If edgepulse_canary_age_seconds stays below 2 minutes, the Forwarders reach NATS: it is the route of the worker, DNS, or the client. If it rises, they are cut off from NATS, or the worker does not run.',
    },
    // The evening: everybody has hung up.
    quiet: silentEdge('left', edge('rejected', 0)),
    reads: ['feed', 'calls'],
  },
  {
    alert: 'EdgepulseCanaryMissing',
    fires: {
      // At night.
      series: [...WELL, beacons(0), canaries(8)],
      at: 26,
      labels: REGION,
      summary:
        'Neither beacons nor canaries arrive from the edge of apac, although the feed is up: whoever calls there now is not seen. Post a beacon there by hand (README.md): if the worker answers 204, its Forwarders are cut off from NATS; if it does not answer, it does not run. If the beacon arrives, its Cron Trigger does not run.',
    },
    // Nobody is calling, and all is well.
    quiet: [...WELL, beacons(0), canaries(28)],
    reads: ['feed'],
  },
  {
    alert: 'EdgepulseCanaryOverdue',
    fires: {
      series: [...WELL, beacons(250), canaries(8)],
      at: 62,
      labels: REGION,
      summary:
        'No canary of a lane of apac has arrived for over 10 minutes. Where beacons arrive, it is the Cron Trigger (crons in wrangler.toml), CANARY_SECRET (edgepulse_canaries_rejected_total), or LANES; until then, silence of that region pages nobody.',
    },
    // Where no cron runs, there never was one.
    quiet: [...WELL, beacons(250)],
    reads: ['feed'],
  },
];

/** Beside the usual three situations of each alert. */
export const SILENCE_SITUATIONS: readonly Situation[] = [
  {
    what: 'EdgepulseEdgeSilent is quiet while the edge rejects beacons: it is not silent',
    alert: 'EdgepulseEdgeSilent',
    series: silentEdge('stale', edge('rejected', 20, 100)),
    at: 30,
    fires: false,
  },
  {
    what: 'EdgepulseCanaryMissing is quiet while beacons arrive',
    alert: 'EdgepulseCanaryMissing',
    series: [...WELL, beacons(1), canaries(8)],
    at: 40,
    fires: false,
  },
  {
    what: 'EdgepulseCanaryMissing is quiet while the feed is down, and the age unknown',
    alert: 'EdgepulseCanaryMissing',
    series: [
      ...WELL.filter(({ name }) => name !== 'edgepulse_feed_up'),
      series('edgepulse_feed_up', REGION, (step) => (step < 10 ? 1 : 0)),
      beacons(0),
      series('edgepulse_canary_age_seconds', REGION, (step) => (step < 10 ? 15 : undefined)),
    ],
    at: 40,
    fires: false,
  },
  {
    what: 'EdgepulseCanaryMissing fires where an aggregator was restarted, and has heard none since',
    alert: 'EdgepulseCanaryMissing',
    series: [
      ...WELL,
      beacons(0),
      series('edgepulse_canary_age_seconds', REGION, (step) => (step < 10 ? 15 : undefined)),
    ],
    // The last value counts for five minutes more.
    at: 52,
    fires: true,
  },
  {
    what: 'EdgepulseCanaryMissing is quiet after a restart, until the next canary is due',
    alert: 'EdgepulseCanaryMissing',
    series: [
      ...WELL,
      beacons(0),
      series('edgepulse_canary_age_seconds', REGION, (step) => (step > 9 && step < 16 ? undefined : 15)),
    ],
    at: 15,
    fires: false,
  },
  {
    what: 'EdgepulseCanaryMissing is quiet while one of two replicas hears canaries',
    alert: 'EdgepulseCanaryMissing',
    series: [
      ...WELL,
      beacons(0),
      canaries(8),
      series('edgepulse_canary_age_seconds', { ...REGION, instance: 'b:9464' }, 15),
    ],
    at: 40,
    fires: false,
  },
  {
    what: 'EdgepulseCanaryMissing fires while one of two shards hears no canary',
    alert: 'EdgepulseCanaryMissing',
    series: [
      ...WELL,
      beacons(0),
      series('edgepulse_canary_age_seconds', { ...REGION, shard: '0/2' }, 15),
      series('edgepulse_canary_age_seconds', { ...REGION, shard: '1/2', instance: 'b:9464' }, (step) => step * 15),
    ],
    at: 40,
    fires: true,
  },
];
