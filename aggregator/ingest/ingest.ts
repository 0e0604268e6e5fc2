/**
 * One message from the feed into the store. NATS is a trust boundary: whatever is damaged is
 * counted as invalid and skipped, and nothing that a message claims reaches beyond its subject.
 */
import { parseEdgeSubject, parseForwarderSubject } from '../../shared/subjects.ts';
import { createReports } from '../store/report/report.ts';
import type { Sessions } from '../store/sessions.ts';
import { createBatchReader } from './batch/batch-reader.ts';
import type { Canaries } from './canaries.ts';
import { createEdgeSkew, type EdgeSkew } from './edge-skew.ts';
import type { Forwarders } from './forwarders.ts';
import { createLaneEpochs, type LaneEpochs } from './lane-epochs.ts';
import type { Packets } from './packets/packets.ts';

export type Ingest = (subject: string, data: Uint8Array, times: MessageTimes) => void;

/** Times are the broker's, ms since the epoch. */
export type MessageTimes = {
  /** When it stored the message. */
  readonly storedAtMs: number;
  /** What time it is now: later, when the message waited. */
  readonly nowMs: number;
  /** It was in the stream when this process started, and an earlier one has counted it. By default it was not. */
  readonly isHistory?: boolean;
  /**
   * Up to when the region had been read when the message came, where it is read from several streams: one that was away
   * comes late with all that it holds. Undefined for one stream, which is read in order.
   */
  readonly passedMs?: number | undefined;
};

/** What a subject carries: the beacons of a lane, or the counters of a Forwarder. */
type Route = LaneRoute | ForwarderRoute;

type ForwarderRoute = { readonly region: string; readonly slot: number };
type LaneRoute = {
  readonly region: string;
  readonly lane: string;
  readonly epochs: LaneEpochs;
  readonly skew: EdgeSkew;
};

/** A Forwarder that is awake has said more by then. */
const COUNTERS_EVERY_MS = 10_000;

/** What else is read; without one of them, such messages are skipped. */
export type MoreReaders = {
  readonly canaries?: Canaries | undefined;
  /** Of media servers. */
  readonly packets?: Packets | undefined;
};

export function createIngest(
  sessions: Sessions,
  forwarders: Forwarders,
  { canaries, packets }: MoreReaders = {},
): Ingest {
  const read = createBatchReader();
  const reports = createReports();
  const skews = new Map(sessions.regions.map((region) => [region, createEdgeSkew()]));
  /** By subject; bounded, since regions, lanes and slots are. */
  const routes = new Map<string, Route>();

  function routeOf(subject: string): Route | undefined {
    const known = routes.get(subject);
    if (known) return known;
    const lane = parseEdgeSubject(subject);
    const parsed = lane ?? parseForwarderSubject(subject);
    const skew = parsed && skews.get(parsed.region);
    if (!parsed || !skew) return undefined;
    const route = 'slot' in parsed ? parsed : { ...parsed, epochs: createLaneEpochs(), skew };
    routes.set(subject, route);
    return route;
  }

  function ingestBatch(
    { region, lane, epochs, skew }: LaneRoute,
    data: Uint8Array,
    { storedAtMs, nowMs, isHistory = false, passedMs = storedAtMs }: MessageTimes,
  ): void {
    const totals = sessions.tally(region, isHistory);
    const { source, invalid, canary } = read(data, reports);
    reports.isHistory = isHistory;
    if (source && canary) {
      canaries?.take({ region, lane, canary, batchSentAtMs: source.sentAtMs, storedAtMs, isHistory });
      if (reports.count + invalid === 0) return;
    }
    if (source) {
      const accepted = epochs.advance(source, reports.count + invalid);
      if (accepted === undefined) {
        totals.repeatedBatches++;
        return;
      }
      totals.edge.accepted += accepted;
      reports.place(source.sentAtMs, storedAtMs, Math.max(storedAtMs, passedMs));
      sessions.totals(region).edge.skewSeconds = skew.observe(source.slot, source.sentAtMs - storedAtMs, nowMs) / 1000;
    }
    totals.invalid += invalid;
    sessions.apply(region, reports, nowMs);
  }

  function takeCounters(
    { region, slot }: ForwarderRoute,
    data: Uint8Array,
    { storedAtMs, nowMs, isHistory = false, passedMs = storedAtMs }: MessageTimes,
  ): void {
    const isOvertaken = passedMs - storedAtMs > COUNTERS_EVERY_MS;
    // A Forwarder that fell asleep, or was taken away, before this process started is not heard now.
    const heardMs = isHistory ? storedAtMs : nowMs;
    if (forwarders.take({ region, slot, data, nowMs: heardMs, isHistory, isOvertaken })) return;
    sessions.tally(region, isHistory).edge.invalidMessages++;
  }

  return (subject, data, times) => {
    if (packets?.take(subject, data, times)) return;
    const route = routeOf(subject);
    // The feed subscribes to our regions only, so this is a bug or a misbehaving broker.
    if (!route) return;
    if ('epochs' in route) ingestBatch(route, data, times);
    else takeCounters(route, data, times);
  };
}
