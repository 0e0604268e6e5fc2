/** Ingest into a store, in a process that hears no Forwarder. */
import { createForwarders } from '../../aggregator/ingest/forwarders.ts';
import { createIngest } from '../../aggregator/ingest/ingest.ts';
import type { Sessions } from '../../aggregator/store/sessions.ts';

/** A message that did not wait: the broker stored it now. */
export type BenchIngest = (subject: string, data: Uint8Array, nowMs: number) => void;

export function createBenchIngest(sessions: Sessions): BenchIngest {
  const forwarders = createForwarders({
    regions: sessions.regions,
    shard: { index: 0, count: 1 },
    topology: 'bench',
    totalsOf: (region) => sessions.totals(region).edge,
    onTopology() {},
  });
  const ingest = createIngest(sessions, forwarders);
  return (subject, data, nowMs) => ingest(subject, data, { storedAtMs: nowMs, nowMs });
}
