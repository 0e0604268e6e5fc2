/**
 * The call between an isolate and a Forwarder: what goes over, what comes back, and the Forwarder's name.
 * Both sides import it; neither imports the other.
 */
import type { RejectReason } from '../../shared/reject.ts';
import { isLane, isRegionName } from '../../shared/subjects.ts';

/** Beacons of one reason that were refused before any Forwarder was asked, since the isolate last told. */
export type Refusals = { [Reason in RejectReason]?: number };

export type ForwardBatch = {
  /** Each the JSON of one entry, from `encodeEntry`; empty when there are only refusals to tell. */
  entries: string[];
  refused: Refusals;
  /** JWKS fetches that failed since the isolate last told. */
  jwksErrors: number;
};

/**
 * `ok` means that every entry is safe: acknowledged by NATS or spooled durably. All or nothing. Any answer means
 * that the Forwarder has taken the counts; only a call that throws leaves them with the isolate. Entries that were
 * not made safe are refused and counted by the isolate that holds their requests.
 */
export type ForwardAnswer = { ok: true } | { ok: false; reason: 'unavailable' | 'spool_full' | 'storage_failed' };

/** The part of a Forwarder that an isolate may call. */
export type ForwardPort = { forward(batch: ForwardBatch): Promise<ForwardAnswer> };

/** `apac`, `f03` -> `apac:f03`, the name of the one Forwarder of that region and lane. */
export function forwarderName(region: string, lane: string): string {
  return `${region}:${lane}`;
}

/** The region and lane in a Forwarder's name, or undefined for any other name. */
export function parseForwarderName(name: string | undefined): { region: string; lane: string } | undefined {
  const [region, lane, ...rest] = (name ?? '').split(':');
  return rest.length === 0 && isRegionName(region) && isLane(lane) ? { region, lane } : undefined;
}
