/**
 * An isolate's end of the call: chooses a Forwarder, sends the region's reject counts along, retries once where
 * that helps, and avoids an overloaded object.
 */
import type { Region } from '../../shared/regions.ts';
import type { Log } from '../log.ts';
import { type ForwardAnswer, type ForwardCall, type ForwardPort, forwarderName } from './call.ts';
import { createRejects, type Rejects } from './rejects.ts';
import { createSlots } from './slots.ts';

/** Beacons that the coalescer gathered; the n-th of each list is the n-th beacon's. */
export type Gathered = {
  /** Each from `encodeEntry`. */
  readonly entries: readonly Uint8Array[];
  /** Lane numbers. */
  readonly lanes: readonly number[];
  readonly sessions: readonly string[];
  /** Bytes of all entries. */
  readonly bytes: number;
};

export type ForwarderClient = {
  /**
   * Sends beacons to one of the region's Forwarders.
   * @param isLast see {@link ForwardCall}
   * @throws what the runtime throws for a call that failed
   */
  send(region: string, gathered: Gathered, isLast: boolean): Promise<ForwardAnswer>;
  readonly rejects: Rejects;
};

export type ForwarderClientOptions = {
  /** The Forwarder of that name, near its region. */
  readonly find: (name: string, hint: Region['hint']) => ForwardPort;
  readonly regions: readonly Region[];
  /** Forwarders of each region. */
  readonly forwarders: number;
  readonly topology: string;
  readonly now: () => number;
  /** At least 0, below 1. Not called before the first request. */
  readonly random: () => number;
  /** A random id. Not called before the first request. */
  readonly newId: () => string;
  readonly log: Log;
};

const NOTHING: Gathered = { entries: [], lanes: [], sessions: [], bytes: 0 };

export function createForwarderClient(options: ForwarderClientOptions): ForwarderClient {
  const { find, regions, forwarders, topology, now, random, newId, log } = options;
  const hints = new Map(regions.map((region) => [region.name, region.hint]));
  const slots = createSlots({ forwarders, random, now });
  const rejects = createRejects({ deliver, now });
  let isolate: string | undefined;

  async function send(region: string, gathered: Gathered, isLast: boolean): Promise<ForwardAnswer> {
    isolate ??= newId();
    const call = { ...joined(gathered), isolate, topology, isLast };
    const slot = slots.choose(region);
    try {
      return await sendTo(region, slot, call);
    } catch (error) {
      if (isOverloaded(error)) {
        const other = slots.choose(region);
        // Retry on another object only: an overloaded one must not get more work.
        if (other !== slot) return sendTo(region, other, call);
      } else if (isRetryable(error)) return sendTo(region, slot, call);
      throw error;
    }
  }

  async function sendTo(region: string, slot: number, call: Omit<ForwardCall, 'counts'>): Promise<ForwardAnswer> {
    const counts = rejects.take(region, slot);
    try {
      const answer = await find(forwarderName({ region, slot }), hints.get(region)).forward({ ...call, counts });
      if (counts) rejects.callEnded(region, counts, 'taken');
      return answer;
    } catch (error) {
      if (counts) rejects.callEnded(region, counts, isOverloaded(error) ? 'not_taken' : 'failed');
      if (isOverloaded(error)) {
        slots.avoid(region, slot);
        rejects.countOverloadedCall(region);
        log.warn('forwarder overloaded; raise FORWARDERS if this continues', { region, slot });
      }
      throw error;
    }
  }

  /** Counts that could not be delivered are kept for the next call. */
  function deliver(region: string): Promise<unknown> {
    return send(region, NOTHING, false).catch(() => undefined);
  }

  return { send, rejects };
}

function joined({ entries, lanes, sessions, bytes }: Gathered) {
  const all = new Uint8Array(bytes);
  const lengths = new Uint32Array(entries.length);
  let at = 0;
  for (const [i, entry] of entries.entries()) {
    all.set(entry, at);
    lengths[i] = entry.length;
    at += entry.length;
  }
  return { entries: all, lengths, lanes: Uint8Array.from(lanes), sessions };
}

/** @see https://developers.cloudflare.com/durable-objects/best-practices/error-handling/ */
function isRetryable(error: unknown): boolean {
  return error instanceof Error && (error as { retryable?: unknown }).retryable === true;
}

function isOverloaded(error: unknown): boolean {
  return error instanceof Error && (error as { overloaded?: unknown }).overloaded === true;
}
