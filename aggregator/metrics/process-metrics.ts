/**
 * The metrics of the Node process, `process_*` and `nodejs_*`: prom-client's default metrics, written
 * by prom-client. Only this file imports it.
 */
import { getHeapSpaceStatistics } from 'node:v8';
import { collectDefaultMetrics, Registry, type RegistryContentType } from 'prom-client';

export type ProcessMetrics = {
  /** @param openMetrics OpenMetrics 1.0, without its `# EOF`, rather than text 0.0.4 */
  text(openMetrics: boolean): Promise<string>;
  /** Most series that they can ever have. */
  readonly seriesBound: number;
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

export function createProcessMetrics(): ProcessMetrics {
  // A prom-client registry writes one format: switching it to the other renames its counters for good.
  const text = createRegistry();
  const openMetricsText = createRegistry();
  openMetricsText.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return {
    seriesBound: boundOf(text),
    async text(openMetrics) {
      if (openMetrics) return (await openMetricsText.metrics()).replace(/# EOF\n$/, '');
      return (await text.metrics()).replaceAll('\n\n', '\n');
    },
  };
}

function createRegistry(): Registry<RegistryContentType> {
  const registry = new Registry<RegistryContentType>();
  collectDefaultMetrics({ register: registry, gcDurationBuckets: GC_BUCKETS });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  return registry;
}

function boundOf(registry: Registry<RegistryContentType>): number {
  let bound = 0;
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith('nodejs_heap_space_')) bound += getHeapSpaceStatistics().length;
    else if (name.startsWith('nodejs_gc_')) bound += GC_KINDS * (GC_BUCKETS.length + 3);
    else bound += 1;
  }
  return bound;
}
