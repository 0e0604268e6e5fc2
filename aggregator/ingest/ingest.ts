/**
 * One message from the feed into the store. NATS is a trust boundary: whatever is damaged is
 * counted as invalid and skipped, and nothing that a message claims reaches beyond its subject.
 */
import { decodeEdgeCounters, decodeEnvelope, type EdgeCounters } from '../../shared/envelope.ts';
import { parseEdgeSubject } from '../../shared/subjects.ts';
import { createReports } from '../store/report.ts';
import type { Sessions } from '../store/sessions.ts';
import { absorb, type LaneEpochs } from './edge-totals.ts';
import { createScanner } from './scanner.ts';

export type Ingest = (subject: string, data: Uint8Array, nowMs: number) => void;

type Route = { readonly region: string; readonly lane: string; readonly epochs: LaneEpochs };

export function createIngest(sessions: Sessions): Ingest {
  const decoder = new TextDecoder();
  const scan = createScanner();
  const reports = createReports();
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
    const message = readMessage(data);
    if (!message || message.region !== region || message.lane !== lane) {
      totals.invalid++;
      return;
    }
    const { edge, invalid } = message;
    if (edge && !absorb(totals.edge, epochs, { lane, counters: edge, carried: reports.count + invalid })) {
      totals.repeatedBatches++;
      return;
    }
    totals.invalid += invalid;
    sessions.apply(region, reports, nowMs);
  };

  /** Fills the reports. Undefined when the message is damaged as a whole. */
  function readMessage(data: Uint8Array): Message | undefined {
    const scanned = scan(data, reports);
    if (scanned) return { ...scanned, edge: decodeEdgeCounters(scanned.edge), invalid: 0 };
    const decoded = decodeEnvelope(decoder.decode(data));
    if (!decoded.ok) return undefined;
    reports.clear();
    const { entries, edge, ...message } = decoded.value;
    for (const { received_at, beacon } of entries) reports.addBeacon(received_at, beacon);
    return { ...message, edge };
  }
}

/** What a message says beside its beacons; `invalid` counts beacons that were left out. */
type Message = {
  readonly region: string;
  readonly lane: string;
  readonly edge: EdgeCounters | undefined;
  readonly invalid: number;
};
