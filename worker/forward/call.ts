/**
 * The call from an isolate to a Forwarder: its arguments, its answer, and the Forwarder's name.
 * Both sides import it; neither imports the other.
 */
import type { RejectReason } from '../../shared/reject.ts';
import { isRegionName, isSlot } from '../../shared/subjects.ts';

/** Limits of one call: a fraction of the runtime's 32 MiB, so that no call blocks others for long. */
export const CALL_LIMITS = { beacons: 1_024, bytes: 1_000_000 } as const;

/** Calls of one isolate to one region in flight at once, so that a slow broker does not throttle it. */
export const CALLS_MAX = 3;

/** Beacons that were rejected by an isolate alone, by reason. */
export type RejectCounts = { [Reason in RejectReason]?: number };

/** Counts of one isolate since its last delivery. */
export type IsolateCounts = {
  /** +1 for each delivery of the isolate; counts that are sent again keep their number. */
  readonly number: number;
  readonly rejected: RejectCounts;
  /** JWKS fetches that failed. */
  readonly jwksErrors: number;
  /** Calls that failed because the Forwarder was overloaded. */
  readonly overloadedCalls: number;
};

/** Beacons of any lanes of one region, in order of arrival; the n-th of each list is the n-th beacon's. */
export type ForwardCall = {
  /** Entries one after the other, each as `encodeEntry` made it. */
  readonly entries: Uint8Array;
  /** Bytes of each entry. */
  readonly lengths: Uint32Array;
  /** Lane numbers. */
  readonly lanes: Uint8Array;
  /** `{meeting_id}/{session_id}`: the session whose share of the spool the beacon uses. */
  readonly sessions: readonly string[];
  /** A random id of the isolate. */
  readonly isolate: string;
  /**
   * The isolate sends no more before this call is answered: this is the last of its {@link CALLS_MAX} calls, or all
   * its requests already wait in one.
   */
  readonly isLast: boolean;
  /** Fingerprint of the isolate's topology. */
  readonly topology: string;
  readonly counts: IsolateCounts | undefined;
};

/** `index` is the beacon's index in the call. */
export type RejectedBeacon = { readonly index: number; readonly reason: ForwardRejectReason };

export type ForwardRejectReason = Extract<
  RejectReason,
  'unavailable' | 'spool_full' | 'storage_failed' | 'body_too_large'
>;

/**
 * Every beacon that is not listed is safe: acknowledged by NATS or spooled durably. Any answer means that the
 * Forwarder has the counts. The isolate counts rejected beacons.
 */
export type ForwardAnswer = { readonly rejected: readonly RejectedBeacon[] };

/** The part of a Forwarder that an isolate may call. */
export type ForwardPort = { forward(call: ForwardCall): Promise<ForwardAnswer> };

/** One canary for each lane, from a Cron Trigger. Requests can't bring one: nothing but `scheduled` makes this call. */
export type CanaryCall = {
  /** When the Cron Trigger ran, ms since the epoch. */
  readonly sentAtMs: number;
  /** By lane number; empty where there is no secret to sign with. */
  readonly signatures: readonly string[];
  readonly topology: string;
};

/** Lanes of which NATS has not acknowledged the canary. It is not spooled: late, it would say nothing. */
export type CanaryAnswer = { readonly missing: readonly string[] };

export type CanaryPort = { canary(call: CanaryCall): Promise<CanaryAnswer> };

export type ForwarderPlace = { readonly region: string; readonly slot: number };

/** `apac`, 0 -> `apac:0`, the name of the one Forwarder of that region and slot. */
export function forwarderName({ region, slot }: ForwarderPlace): string {
  return `${region}:${slot}`;
}

/** The region and slot in a Forwarder's name, or undefined for any other name. */
export function parseForwarderName(name: string | undefined): ForwarderPlace | undefined {
  const [, region, digits] = /^([^:]+):(0|[1-9][0-9]{0,2})$/.exec(name ?? '') ?? [];
  const slot = Number(digits);
  return isRegionName(region) && isSlot(slot) ? { region, slot } : undefined;
}
