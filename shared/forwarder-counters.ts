/**
 * A Forwarder's own counters (`ForwarderCounters` of edgepulse.proto), in messages of their own, so
 * that the edge is measured even when it accepts no beacon.
 */
import { PbfWriter } from 'pbf';
import { isForwarderCount } from './batch.ts';
import { isCount, isId } from './beacon.ts';
import { accept, REJECT_REASONS, type RejectReason, type Result, reject } from './reject.ts';
import { isRegionName, isSlot } from './subjects.ts';
import { ascii, decodeMessage, double, flag, list, message, packed, unsigned } from './wire.ts';

/** Upper bounds in seconds of the histogram of publish latency; +Inf follows. */
export const PUBLISH_SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2] as const;

/** What has waited in a Forwarder's spool for so long is dropped. */
export const SPOOL_AGE_MS = 600_000;

/** Far longer than any publish is waited for. */
const PUBLISH_SECONDS_MAX = 3_600;
const BUCKETS = PUBLISH_SECONDS_BUCKETS.length + 1;
/** A topology's fingerprint is an id. */
const NO_TOPOLOGY = '';
/** Through the NATS of the Forwarder's own region. */
const OWN_NATS = '';

/** Counters of one Forwarder, cumulative since it started; `epoch`, a random id, names that start. */
export type ForwarderCounters = {
  slot: number;
  epoch: string;
  /** The edge's clock, ms since the Unix epoch. */
  sentAtMs: number;
  /** Fingerprint of the newest topology that an isolate sent, an id; empty before the first call. */
  topology: string;
  /** The region whose NATS it publishes through while its own is away; empty when that is its own. */
  via: string;
  /** Beacons of all lanes that this epoch put into the stream. */
  accepted: number;
  rejected: { [Reason in RejectReason]?: number };
  /** Beacons written to the spool, drained from it, and dropped: over its age, over its bytes, not publishable. */
  spooled: number;
  drained: number;
  droppedExpired: number;
  droppedFull: number;
  droppedUnpublishable: number;
  /** Beacons that wait in the spool now. */
  inSpool: number;
  /** Publishes that NATS refused or did not acknowledge. */
  publishErrors: number;
  /** JWKS fetches that failed; the last good keys stayed in use. */
  jwksErrors: number;
  /** Calls that failed because the Forwarder was overloaded. */
  overloadedCalls: number;
  /** Publish to acknowledgement: a count for each bucket (not cumulative over buckets), and the sum in seconds. */
  publishSeconds: { buckets: number[]; sum: number };
  /**
   * The first message of its epoch: nothing in it was reported before. A reader that joins an epoch later takes the
   * first message it sees as its baseline.
   */
  isFirst: boolean;
};

/** The plain counters: member, and field number. */
const COUNTS = {
  accepted: 5,
  spooled: 7,
  drained: 8,
  droppedExpired: 9,
  droppedFull: 10,
  droppedUnpublishable: 11,
  inSpool: 12,
  publishErrors: 13,
  jwksErrors: 14,
  overloadedCalls: 15,
} as const satisfies { readonly [Name in keyof ForwarderCounters]?: number };

type CountName = keyof typeof COUNTS;

const COUNT_NAMES = Object.keys(COUNTS) as readonly CountName[];

const FIELD = {
  slot: 1,
  epoch: 2,
  sentAtMs: 3,
  topology: 4,
  rejected: 6,
  publishSeconds: 16,
  isFirst: 17,
  via: 18,
} as const;

export function encodeForwarderCounters(counters: ForwarderCounters): Uint8Array {
  const out = new PbfWriter(new Uint8Array(256));
  if (counters.slot !== 0) out.writeVarintField(FIELD.slot, counters.slot);
  out.writeStringField(FIELD.epoch, counters.epoch);
  out.writeVarintField(FIELD.sentAtMs, counters.sentAtMs);
  if (counters.topology !== NO_TOPOLOGY) out.writeStringField(FIELD.topology, counters.topology);
  for (const name of COUNT_NAMES) if (counters[name] !== 0) out.writeVarintField(COUNTS[name], counters[name]);
  for (const reason of REJECT_REASONS) {
    const count = counters.rejected[reason];
    if (count) out.writeMessage(FIELD.rejected, writeRejected, { reason, count });
  }
  out.writeMessage(FIELD.publishSeconds, writeLatency, counters.publishSeconds);
  if (counters.isFirst) out.writeBooleanField(FIELD.isFirst, true);
  if (counters.via !== OWN_NATS) out.writeStringField(FIELD.via, counters.via);
  return out.finish();
}

function writeRejected({ reason, count }: { reason: RejectReason; count: number }, out: PbfWriter): void {
  out.writeStringField(1, reason);
  out.writeVarintField(2, count);
}

function writeLatency({ buckets, sum }: ForwarderCounters['publishSeconds'], out: PbfWriter): void {
  out.writePackedVarint(1, buckets);
  if (sum !== 0) out.writeDoubleField(2, sum);
}

const MESSAGE = {
  [FIELD.slot]: unsigned('slot'),
  [FIELD.epoch]: ascii('epoch'),
  [FIELD.sentAtMs]: unsigned('sentAtMs'),
  [FIELD.topology]: ascii('topology'),
  ...Object.fromEntries(COUNT_NAMES.map((name) => [COUNTS[name], unsigned(name)])),
  [FIELD.rejected]: list('rejected', { 1: ascii('reason'), 2: unsigned('count') }),
  [FIELD.publishSeconds]: message('publishSeconds', { 1: packed('buckets'), 2: double('sum') }),
  [FIELD.isFirst]: flag('isFirst'),
  [FIELD.via]: ascii('via'),
};

/**
 * Decodes and checks a message. Reject reasons that this version does not know are left out, so that
 * a newer edge is heard by an older aggregator.
 */
export function decodeForwarderCounters(data: Uint8Array): Result<ForwarderCounters> {
  const decoded = decodeMessage(data, MESSAGE);
  if (!decoded.ok) return decoded;
  const { slot = 0, epoch, sentAtMs = 0, topology = NO_TOPOLOGY, isFirst = false, via = OWN_NATS } = decoded.value;
  if (!isSlot(slot)) return reject('out_of_range', 'slot');
  if (!isId(epoch)) return reject('invalid_id', 'epoch');
  if (!isCount(sentAtMs)) return reject('out_of_range', 'sent_at_ms');
  if (topology !== NO_TOPOLOGY && !isId(topology)) return reject('invalid_id', 'topology');
  if (via !== OWN_NATS && !isRegionName(via)) return reject('invalid_id', 'via');
  const counts = {} as { [Name in CountName]: number };
  for (const name of COUNT_NAMES) {
    const count = decoded.value[name] ?? 0;
    if (!isForwarderCount(count)) return reject('out_of_range', name);
    counts[name] = count;
  }
  const rejected = rejectedOf(decoded.value.rejected as Rejected[]);
  if (!rejected) return reject('out_of_range', 'rejected');
  const publishSeconds = latencyOf(decoded.value.publishSeconds as Latency | undefined);
  if (!publishSeconds) return reject('out_of_range', 'publish_seconds');
  return accept({
    slot,
    epoch,
    sentAtMs,
    topology,
    via,
    ...counts,
    rejected,
    publishSeconds,
    isFirst: isFirst === true,
  });
}

type Rejected = { reason?: string; count?: number };
type Latency = { buckets?: number[]; sum?: number };

function rejectedOf(list: readonly Rejected[]): ForwarderCounters['rejected'] | undefined {
  const rejected: ForwarderCounters['rejected'] = {};
  for (const { reason, count = 0 } of list) {
    if (!isForwarderCount(count)) return undefined;
    const known = REJECT_REASONS.find((name) => name === reason);
    if (known) rejected[known] = count;
  }
  return rejected;
}

function latencyOf({ buckets = [], sum = 0 }: Latency = {}): ForwarderCounters['publishSeconds'] | undefined {
  if (buckets.length > BUCKETS || !buckets.every(isForwarderCount)) return undefined;
  // What no publishes can have taken would make the sum of all Forwarders infinite, for as long as the process lives.
  const publishes = buckets.reduce((total, count) => total + count, 0);
  if (!(sum >= 0 && sum <= publishes * PUBLISH_SECONDS_MAX)) return undefined;
  return { buckets: Array.from({ length: BUCKETS }, (_, i) => buckets[i] ?? 0), sum };
}
