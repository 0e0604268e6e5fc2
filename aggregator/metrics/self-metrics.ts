/**
 * Every prom-client metric, once: what the aggregator says of the edge, of itself and of its
 * process. Values are read from the store's totals at the scrape; nothing is counted here.
 * The live population, the detail and the histograms of the store are exposition.ts's.
 *
 * prom-client keeps and collects; its text is metric-text.ts's.
 */
import { getHeapSpaceStatistics } from 'node:v8';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { REJECT_REASONS } from '../../shared/reject.ts';
import type { Sessions } from '../store/sessions.ts';
import type { EdgeTotals, RegionTotals } from '../store/totals.ts';
import { familyText } from './metric-text.ts';

type Labels = { readonly [name: string]: string };
type Sample = readonly [labels: Labels, value: number];

/** A family whose label values are a closed set, all of them there from the start, at zero. */
type Definition = {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly read: () => Iterable<Sample>;
};

export type Metrics = {
  /** One family's text at a time. @param openMetrics the format: OpenMetrics 1.0, or text 0.0.4 */
  text(openMetrics: boolean): AsyncGenerator<string, void, void>;
  /** Most series that the store and prom-client can ever expose with this configuration. */
  readonly seriesBound: number;
  readonly registry: Registry;
};

/**
 * Metrics of prom-client's that are left out. Resource types are whatever libuv and libraries name
 * them: no closed set, and slow to list. The lag's minimum and moments are nonsense (9.2e9 s, NaN)
 * when two scrapes follow each other closely.
 */
const LEFT_OUT = [
  'nodejs_eventloop_lag_min_seconds',
  'nodejs_eventloop_lag_mean_seconds',
  'nodejs_eventloop_lag_stddev_seconds',
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
];
const GC_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5];
/** Four kinds that prom-client knows, and one for what a newer V8 may add. */
const GC_KINDS = 5;

export type MetricsOptions = {
  readonly version: string;
  /** Most series that the store can expose, by series-bound.ts. */
  readonly storeBound: number;
};

export function createMetrics(sessions: Sessions, { version, storeBound }: MetricsOptions): Metrics {
  const registry = new Registry();
  let seriesBound = storeBound;
  const definitions = [...ofEdge(sessions), ...ofStore(sessions), ...ofProcess(sessions, () => seriesBound, version)];
  for (const definition of definitions) {
    register(registry, definition);
    seriesBound += [...definition.read()].length;
  }
  seriesBound += collectProcessMetrics(registry);
  return {
    registry,
    seriesBound,
    async *text(openMetrics) {
      for (const { name } of registry.getMetricsAsArray()) {
        const metric = registry.getSingleMetric(name);
        if (metric) yield familyText(await metric.get(), openMetrics);
      }
    },
  };
}

function ofEdge(sessions: Sessions): Definition[] {
  return [
    {
      name: 'edgepulse_edge_beacons_total',
      type: 'counter',
      help: 'Beacons at the edge by outcome: accepted (answered 204, wherever they are now), rejected or dropped for a reason, spooled, drained from the spool.',
      read: () => perRegion(sessions, edgeBeacons),
    },
    perRegionCounter(
      sessions,
      'edge_publish_errors_total',
      'Publishes that NATS refused or did not acknowledge.',
      ({ edge }) => edge.publishErrors,
    ),
    perRegionCounter(
      sessions,
      'edge_jwks_errors_total',
      'JWKS fetches that failed; the last good keys stayed in use.',
      ({ edge }) => edge.jwksErrors,
    ),
    {
      name: 'edgepulse_edge_spool_beacons',
      type: 'gauge',
      help: 'Beacons that wait at the edge for NATS, as each lane last said.',
      read: () => perRegion(sessions, ({ edge }) => [[{}, inSpools(edge)]]),
    },
  ];
}

function inSpools({ spool }: EdgeTotals): number {
  let beacons = 0;
  for (const ofLane of spool.values()) beacons += ofLane;
  return beacons;
}

function* edgeBeacons({ edge }: RegionTotals): Generator<Sample> {
  // An envelope counts the beacons that it carries as accepted. So was what waits in a spool, or was dropped from one.
  const accepted = edge.accepted + inSpools(edge) + edge.droppedExpired + edge.droppedFull;
  yield [{ outcome: 'accepted', reason: '' }, accepted];
  for (const reason of REJECT_REASONS) yield [{ outcome: 'rejected', reason }, edge.rejected.get(reason) ?? 0];
  yield [{ outcome: 'spooled', reason: '' }, edge.spooled];
  yield [{ outcome: 'drained', reason: '' }, edge.drained];
  yield [{ outcome: 'dropped', reason: 'expired' }, edge.droppedExpired];
  yield [{ outcome: 'dropped', reason: 'full' }, edge.droppedFull];
}

function ofStore(sessions: Sessions): Definition[] {
  return [
    {
      name: 'edgepulse_beacons_total',
      type: 'counter',
      help: 'Beacons read from NATS by outcome.',
      read: () =>
        perRegion(sessions, (totals) =>
          (['applied', 'duplicate', 'late', 'invalid'] as const).map((outcome) => [{ outcome }, totals[outcome]]),
        ),
    },
    perRegionCounter(
      sessions,
      'beacons_lost_total',
      'Beacons that never came, by the gaps in sequence numbers.',
      ({ lost }) => lost,
    ),
    perRegionCounter(
      sessions,
      'client_dropped_beacons_total',
      'Beacons that clients say they gave up themselves.',
      ({ clientDropped }) => clientDropped,
    ),
    {
      name: 'edgepulse_sessions_reaped_total',
      type: 'counter',
      help: 'Sessions removed: after a leaving beacon, or silent for a whole TTL.',
      read: () =>
        perRegion(sessions, ({ left, stale }) => [
          [{ reason: 'left' }, left],
          [{ reason: 'stale' }, stale],
        ]),
    },
    perRegionCounter(
      sessions,
      'sessions_refused_total',
      'Times that a session was not taken up because MAX_SESSIONS were alive: once for each of its beacons.',
      ({ refused }) => refused,
    ),
    perRegionCounter(
      sessions,
      'batches_repeated_total',
      'Batches that came a second time, skipped whole.',
      ({ repeatedBatches }) => repeatedBatches,
    ),
  ];
}

function ofProcess(sessions: Sessions, seriesBound: () => number, version: string): Definition[] {
  const { budget } = sessions;
  const single = (name: string, type: Definition['type'], help: string, value: () => number): Definition => ({
    name: `edgepulse_${name}`,
    type,
    help,
    read: () => [[{}, value()]],
  });
  return [
    single('session_series', 'gauge', 'Detail series now.', () => budget.used),
    single('session_series_limit', 'gauge', 'Most detail series, MAX_SESSION_SERIES.', () => budget.limit),
    single(
      'session_series_dropped_total',
      'counter',
      'Detail series that were left out because of the limit.',
      () => budget.dropped,
    ),
    single('series_bound', 'gauge', 'Most series that this configuration can ever expose.', seriesBound),
    {
      name: 'edgepulse_feed_up',
      type: 'gauge',
      help: '1 while the feed of the region can be heard and has caught up; 0 while it is down or replaying.',
      read: () => sessions.regions.map((region) => [{ region }, sessions.isFeedUp(region) ? 1 : 0]),
    },
    {
      name: 'edgepulse_build_info',
      type: 'gauge',
      help: 'Always 1, with the version of the aggregator.',
      read: () => [[{ version }, 1]],
    },
  ];
}

function perRegionCounter(
  sessions: Sessions,
  name: string,
  help: string,
  value: (totals: RegionTotals) => number,
): Definition {
  return {
    name: `edgepulse_${name}`,
    type: 'counter',
    help,
    read: () => perRegion(sessions, (totals) => [[{}, value(totals)]]),
  };
}

function* perRegion(sessions: Sessions, read: (totals: RegionTotals) => Iterable<Sample>): Generator<Sample> {
  for (const region of sessions.regions) {
    for (const [labels, value] of read(sessions.totals(region))) yield [{ region, ...labels }, value];
  }
}

function register(registry: Registry, { name, type, help, read }: Definition): void {
  const [first] = read();
  const shared = { name, help, labelNames: Object.keys(first?.[0] ?? {}), registers: [registry] };
  if (type === 'counter') {
    new Counter({
      ...shared,
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.inc(labels, value);
      },
    });
  } else {
    new Gauge({
      ...shared,
      collect() {
        for (const [labels, value] of read()) this.set(labels, value);
      },
    });
  }
}

/** @returns how many series they can make at the most */
function collectProcessMetrics(registry: Registry): number {
  const before = new Set(registry.getMetricsAsArray().map(({ name }) => name));
  collectDefaultMetrics({ register: registry, gcDurationBuckets: GC_BUCKETS });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  let bound = 0;
  for (const { name } of registry.getMetricsAsArray()) {
    if (before.has(name)) continue;
    if (name.startsWith('nodejs_heap_space_')) bound += getHeapSpaceStatistics().length;
    else if (name.startsWith('nodejs_gc_')) bound += GC_KINDS * (GC_BUCKETS.length + 3);
    else bound += 1;
  }
  return bound;
}
