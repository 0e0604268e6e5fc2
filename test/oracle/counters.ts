/** Simulated Forwarders: what they have counted in their epoch, and the messages that report it. */
import { encodeForwarderCounters, type ForwarderCounters } from '../../shared/forwarder-counters.ts';
import { forwarderCounters } from '../support/edge/beacon.ts';
import type { Stamps } from './broker.ts';
import type { StoredCounters } from './model/forwarders.ts';

export type LoggedCounters = StoredCounters & { readonly bytes: Uint8Array };

/** What a Forwarder did since its last message. */
export type Work = Pick<ForwarderCounters, 'spooled' | 'drained' | 'droppedExpired' | 'inSpool' | 'publishErrors'> & {
  readonly rejected: number;
  readonly publishes: number;
  readonly isOtherTopology: boolean;
  /** Its message arrives once more after a newer one, or is damaged. */
  readonly how: 'once' | 'late' | 'damaged';
};

export type CountersLog = {
  log(region: string): readonly LoggedCounters[];
  publish(region: string, slot: number, work: Work, stamps: Stamps): void;
  nextEpoch(region: string, slot: number): void;
};

export function createCountersLog(regions: readonly string[], topology: string): CountersLog {
  const logs = new Map<string, LoggedCounters[]>(regions.map((region) => [region, []]));
  /** By region and slot, the newest message. */
  const newest = new Map<string, ForwarderCounters>();
  const epochs = new Map<string, number>();

  function next(region: string, slot: number, work: Work, sentAtMs: number): ForwarderCounters {
    const key = `${region} ${slot}`;
    const epoch = `counters-${slot}-${epochs.get(key) ?? 0}`;
    const last = newest.get(key);
    const isFirst = last?.epoch !== epoch;
    const before = isFirst ? forwarderCounters() : (last ?? forwarderCounters());
    const buckets = before.publishSeconds.buckets.map((count, i) => count + (i === work.publishes ? 1 : 0));
    const publishSeconds = { buckets, sum: before.publishSeconds.sum + 0.001 * work.publishes };
    const counters: ForwarderCounters = {
      ...before,
      slot,
      epoch,
      sentAtMs,
      topology: work.isOtherTopology ? 'another' : topology,
      rejected: { token_invalid: (before.rejected.token_invalid ?? 0) + work.rejected },
      spooled: before.spooled + work.spooled,
      drained: before.drained + work.drained,
      droppedExpired: before.droppedExpired + work.droppedExpired,
      publishErrors: before.publishErrors + work.publishErrors,
      inSpool: work.inSpool,
      publishSeconds,
      isFirst,
    };
    newest.set(key, counters);
    return counters;
  }

  return {
    log: (region) => logs.get(region) as LoggedCounters[],
    publish(region, slot, work, { sentAtMs, storedAtMs }) {
      const log = logs.get(region) as LoggedCounters[];
      if (work.how === 'damaged') {
        log.push({ region, slot, storedAtMs, counters: undefined, bytes: Uint8Array.of(8, 200) });
        return;
      }
      const last = newest.get(`${region} ${slot}`);
      const counters = next(region, slot, work, sentAtMs);
      log.push({ region, slot, storedAtMs, counters, bytes: encodeForwarderCounters(counters) });
      if (work.how === 'late' && last)
        log.push({ region, slot, storedAtMs, counters: last, bytes: encodeForwarderCounters(last) });
    },
    nextEpoch(region, slot) {
      const key = `${region} ${slot}`;
      epochs.set(key, (epochs.get(key) ?? 0) + 1);
    },
  };
}
