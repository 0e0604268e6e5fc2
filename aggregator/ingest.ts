/**
 * One message from the feed into the store. NATS is a trust boundary: whatever is damaged is
 * counted as invalid and skipped, and nothing that a message claims reaches beyond its subject.
 */
import { decodeEnvelope } from '../shared/envelope.ts';
import { parseEdgeSubject } from '../shared/subjects.ts';
import { absorb, type LaneEpochs } from './edge-totals.ts';
import type { Sessions } from './sessions.ts';

export type Ingest = (subject: string, data: Uint8Array, nowMs: number) => void;

type Route = { readonly region: string; readonly lane: string; readonly epochs: LaneEpochs };

export function createIngest(sessions: Sessions): Ingest {
  const decoder = new TextDecoder();
  const regions = new Set(sessions.regions);
  /** By subject; bounded, since regions and lanes are. */
  const routes = new Map<string, Route>();

  function routeOf(subject: string): Route | undefined {
    let route = routes.get(subject);
    if (!route) {
      const parsed = parseEdgeSubject(subject);
      if (!parsed || !regions.has(parsed.region)) return undefined;
      route = { ...parsed, epochs: new Map() };
      routes.set(subject, route);
    }
    return route;
  }

  return (subject, data, nowMs) => {
    const route = routeOf(subject);
    // The feed asks for our regions' subjects alone, so that this is a bug or a broker that lies.
    if (!route) return;
    const { region, lane, epochs } = route;
    const totals = sessions.totals(region);
    const decoded = decodeEnvelope(decoder.decode(data));
    if (!decoded.ok || decoded.value.region !== region || decoded.value.lane !== lane) {
      totals.invalid++;
      return;
    }
    const { entries, invalid, edge } = decoded.value;
    if (edge && !absorb(totals.edge, epochs, { lane, counters: edge, carried: entries.length + invalid })) {
      totals.repeatedBatches++;
      return;
    }
    totals.invalid += invalid;
    for (const entry of entries) sessions.apply(region, entry, nowMs);
  };
}
