/**
 * One message from the feed into the store. NATS is a trust boundary: whatever is damaged is
 * counted as invalid and skipped, and nothing that a message claims reaches beyond its subject.
 */
import { parseEdgeSubject, parseForwarderSubject } from '../../shared/subjects.ts';
import { createReports } from '../store/report.ts';
import type { Sessions } from '../store/sessions.ts';
import { createBatchReader } from './batch-reader.ts';
import type { Forwarders } from './forwarders.ts';
import { createLaneEpochs, type LaneEpochs } from './lane-epochs.ts';

export type Ingest = (subject: string, data: Uint8Array, nowMs: number) => void;

/** What a subject carries: the beacons of a lane, or the counters of a Forwarder. */
type Route =
  | { readonly region: string; readonly epochs: LaneEpochs }
  | { readonly region: string; readonly slot: number };

export function createIngest(sessions: Sessions, forwarders: Forwarders): Ingest {
  const read = createBatchReader();
  const reports = createReports();
  const regions = new Set(sessions.regions);
  /** By subject; bounded, since regions, lanes and slots are. */
  const routes = new Map<string, Route>();

  function routeOf(subject: string): Route | undefined {
    const known = routes.get(subject);
    if (known) return known;
    const lane = parseEdgeSubject(subject);
    const parsed = lane ?? parseForwarderSubject(subject);
    if (!parsed || !regions.has(parsed.region)) return undefined;
    const { region } = parsed;
    const route = 'slot' in parsed ? { region, slot: parsed.slot } : { region, epochs: createLaneEpochs() };
    routes.set(subject, route);
    return route;
  }

  function ingestBatch(region: string, epochs: LaneEpochs, data: Uint8Array, nowMs: number): void {
    const totals = sessions.totals(region);
    const { source, invalid } = read(data, reports);
    if (source) {
      const accepted = epochs.advance(source, reports.count + invalid);
      if (accepted === undefined) {
        totals.repeatedBatches++;
        return;
      }
      totals.edge.accepted += accepted;
    }
    totals.invalid += invalid;
    sessions.apply(region, reports, nowMs);
  }

  return (subject, data, nowMs) => {
    const route = routeOf(subject);
    // The feed subscribes to our regions only, so this is a bug or a misbehaving broker.
    if (!route) return;
    const { region } = route;
    if ('epochs' in route) ingestBatch(region, route.epochs, data, nowMs);
    else if (!forwarders.take({ region, slot: route.slot, data, nowMs }))
      sessions.totals(region).edge.invalidMessages++;
  };
}
