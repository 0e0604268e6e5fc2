/** Ingest into a store, in a process that hears no Forwarder. */
import { createForwarders } from '../../aggregator/ingest/forwarders.ts';
import { createIngest, type Ingest } from '../../aggregator/ingest/ingest.ts';
import type { Sessions } from '../../aggregator/store/sessions.ts';

export function createBenchIngest(sessions: Sessions): Ingest {
  const forwarders = createForwarders({
    regions: sessions.regions,
    shard: { index: 0, count: 1 },
    topology: 'bench',
    totalsOf: (region) => sessions.totals(region).edge,
    onTopology() {},
  });
  return createIngest(sessions, forwarders);
}
