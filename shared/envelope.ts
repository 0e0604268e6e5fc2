/**
 * The batch on NATS: `{v, region, lane, beacons: [{received_at, colo, beacon}], edge}`.
 * Encoding joins entries that are JSON already, so that an entry is serialised once, in the
 * isolate that received it. Decoding trusts nothing: NATS is a trust boundary.
 */
import type { Entry } from './batch.ts';
import { type Beacon, decodeBeacon } from './beacon.ts';
import { accept, REJECT_REASONS, type RejectReason, type Result, reject } from './reject.ts';
import { isLane, isRegionName } from './subjects.ts';

/** One beacon as the edge received it. `received_at` is the edge's clock in ms since the epoch. */
type EnvelopeEntry = { received_at: number; colo: string; beacon: Beacon };

/** Upper bounds in seconds of the publish latency histogram that the edge keeps; +Inf follows. */
export const PUBLISH_SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2] as const;

/**
 * Counters of one Forwarder, cumulative since it started; `epoch` names that start, so that a
 * consumer can tell a restart from a decrease. A beacon is counted as accepted in the envelope
 * that carries it.
 */
export type EdgeCounters = {
  epoch: string;
  /** Number of the batch within its epoch; a repeat is a batch that was published twice. */
  batch: number;
  accepted: number;
  rejected: { [Reason in RejectReason]?: number };
  /** Beacons written to the spool, drained from it, and dropped from it: over its age or its bytes. */
  spooled: number;
  drained: number;
  dropped: { expired?: number; full?: number };
  /** Beacons that wait in the spool now. */
  spool: number;
  /** Publishes that NATS refused or did not acknowledge. */
  publish_errors: number;
  /** JWKS fetches that failed; the last good keys stayed in use. */
  jwks_errors: number;
  /** Publish to acknowledgement: one count for each bucket (not cumulative over buckets), and the sum in seconds. */
  publish_seconds: { buckets: number[]; sum: number };
};

export type EnvelopeHeader = { region: string; lane: string; edge: EdgeCounters };

/** A decoded batch; `invalid` counts entries that were left out. */
export type Envelope = { region: string; lane: string; entries: EnvelopeEntry[]; invalid: number; edge?: EdgeCounters };

export function encodeEntry({ receivedAtMs, ...entry }: Entry): string {
  return JSON.stringify({ received_at: receivedAtMs, ...entry });
}

/** @param entries each the JSON of one entry, from {@link encodeEntry} */
export function encodeEnvelope({ region, lane, edge }: EnvelopeHeader, entries: readonly string[]): string {
  return `{"v":1,"region":"${region}","lane":"${lane}","beacons":[${entries.join(',')}],"edge":${JSON.stringify(edge)}}`;
}

/** Decodes a message's text. A batch that is damaged as a whole is refused; a damaged entry is counted and left out. */
export function decodeEnvelope(text: string): Result<Envelope> {
  const message = parseJson(text);
  if (!isFields(message)) return reject('malformed_json', 'the message is not a JSON object');
  const { v, region, lane, beacons, edge } = message;
  if (v !== 1) return reject('unsupported_version', 'v is not 1');
  if (!isRegionName(region)) return reject('invalid_field', 'region');
  if (!isLane(lane)) return reject('invalid_field', 'lane');
  if (!Array.isArray(beacons)) return reject('invalid_field', 'beacons is not an array');
  const entries: EnvelopeEntry[] = [];
  for (const item of beacons) {
    const entry = decodeEntry(item);
    if (entry) entries.push(entry);
  }
  const envelope: Envelope = { region, lane, entries, invalid: beacons.length - entries.length };
  const counters = decodeEdgeCounters(edge);
  if (counters) envelope.edge = counters;
  return accept(envelope);
}

function decodeEntry(value: unknown): EnvelopeEntry | undefined {
  if (!isFields(value)) return undefined;
  const { received_at, colo } = value;
  if (!isCount(received_at)) return undefined;
  const beacon = decodeBeacon(value.beacon);
  if (!beacon.ok) return undefined;
  return { received_at, colo: typeof colo === 'string' ? colo : '', beacon: beacon.value };
}

/** Counters are for graphs: what is missing or damaged reads as zero, and never costs the beacons beside it. */
export function decodeEdgeCounters(value: unknown): EdgeCounters | undefined {
  if (!isFields(value) || typeof value.epoch !== 'string' || value.epoch.length > 64) return undefined;
  const rejected: EdgeCounters['rejected'] = {};
  const counts = isFields(value.rejected) ? value.rejected : {};
  for (const reason of REJECT_REASONS) if (isCount(counts[reason])) rejected[reason] = counts[reason];
  const dropped = isFields(value.dropped) ? value.dropped : {};
  const latency = isFields(value.publish_seconds) ? value.publish_seconds : {};
  const buckets = Array.isArray(latency.buckets) ? latency.buckets : [];
  return {
    epoch: value.epoch,
    batch: count(value.batch),
    accepted: count(value.accepted),
    rejected,
    spooled: count(value.spooled),
    drained: count(value.drained),
    dropped: { expired: count(dropped.expired), full: count(dropped.full) },
    spool: count(value.spool),
    publish_errors: count(value.publish_errors),
    jwks_errors: count(value.jwks_errors),
    publish_seconds: {
      buckets: Array.from({ length: PUBLISH_SECONDS_BUCKETS.length + 1 }, (_, i) => count(buckets[i])),
      sum: typeof latency.sum === 'number' && latency.sum >= 0 ? latency.sum : 0,
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function count(value: unknown): number {
  return isCount(value) ? value : 0;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isFields(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
