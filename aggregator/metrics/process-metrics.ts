/**
 * The metrics of the Node process, `process_*` and `nodejs_*`: prom-client's default metrics, written
 * by prom-client. Only this file imports it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

export type ProcessMetrics = {
  /** @param openMetrics OpenMetrics 1.0, without its `# EOF`, rather than text 0.0.4 */
  text(openMetrics: boolean): Promise<string>;
  /** Most series that they can ever have. */
  readonly seriesBound: number;
};

/** How often the lag is sampled: a shorter hold of the event loop is seen in part, or not at all. */
const LAG_INTERVAL_MS = 50;
/** For prom-client's own monitor of the lag, which can't be left out. */
const NEVER_MS = 24 * 3_600_000;

/**
 * Metrics of prom-client's that are left out. Resource types are whatever libuv and libraries name
 * them: no closed set, and slow to list. Distribution of the lag: see {@link addLag}.
 */
const LEFT_OUT = [
  'nodejs_eventloop_lag_min_seconds',
  'nodejs_eventloop_lag_max_seconds',
  'nodejs_eventloop_lag_p50_seconds',
  'nodejs_eventloop_lag_p90_seconds',
  'nodejs_eventloop_lag_p99_seconds',
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

export function createProcessMetrics(): ProcessMetrics {
  const registry = createRegistry();
  return {
    seriesBound: boundOf(registry),
    async text(openMetrics) {
      const text = (await registry.metrics()).replaceAll('\n\n', '\n');
      // OpenMetrics names a counter's family without its suffix; nothing else of this text differs.
      return openMetrics
        ? text.replace(/^# HELP (\S+)_total (.*\n# TYPE \1)_total counter$/gm, '# HELP $1 $2 counter')
        : text;
    },
  };
}

function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, gcDurationBuckets: GC_BUCKETS, eventLoopMonitoringPrecision: NEVER_MS });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  addLag(registry);
  return registry;
}

/**
 * The lag of the event loop in prom-client's names. Its own monitor wakes the process a hundred times a second, which
 * was half of what an idle aggregator cost, and counts its interval as lag.
 */
function addLag(registry: Registry): void {
  const delay = monitorEventLoopDelay({ resolution: LAG_INTERVAL_MS });
  delay.enable();
  const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - LAG_INTERVAL_MS / 1e3);
  const add = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `nodejs_eventloop_lag_${name}_seconds`,
      help,
      registers: [registry],
      collect() {
        this.set(seconds(read()));
      },
    });
  for (const percentile of [50, 90, 99]) {
    const help = `The ${percentile}th percentile of the event loop delays since the last scrape.`;
    add(`p${percentile}`, help, () => delay.percentile(percentile));
  }
  // The last of them, since what the next scrape shows begins here.
  add('max', 'The maximum event loop delay since the last scrape.', () => {
    const { max } = delay;
    delay.reset();
    return max;
  });
}

function boundOf(registry: Registry): number {
  let bound = 0;
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith('nodejs_heap_space_')) bound += getHeapSpaceStatistics().length;
    else if (name.startsWith('nodejs_gc_')) bound += GC_KINDS * (GC_BUCKETS.length + 3);
    else bound += 1;
  }
  return bound;
}
