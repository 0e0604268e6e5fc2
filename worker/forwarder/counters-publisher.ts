/**
 * When the Forwarder's counters are published: when they have changed, at most once a second, and every ten
 * seconds while it is awake. Counts that the stream has acknowledged no longer need to be kept in storage.
 */
import { encodeForwarderCounters } from '../../shared/forwarder-counters.ts';
import { forwarderSubject } from '../../shared/subjects.ts';
import type { ForwarderPlace } from '../forward/call.ts';
import type { Connection, Publication } from './connection/connection.ts';
import type { Counters } from './counters.ts';
import type { Spool, SpoolCounts } from './spool.ts';

export const CHANGED_MS = 1_000;
export const UNCHANGED_MS = 10_000;

export type CountersPublisherOptions = {
  readonly place: ForwarderPlace;
  readonly counters: Counters;
  readonly spool: Pick<Spool, 'markReported' | 'counts'>;
  readonly connection: Pick<Connection, 'isUp' | 'open' | 'publish'>;
  /** The wall clock, ms since the epoch. */
  readonly now: () => number;
  readonly newId: () => string;
};

export type CountersPublisher = {
  /** Call when counters may have changed: publishes them within about a second. */
  changed(): void;
  /** The counters as they are now, for a connection of which it is not known whether it works. */
  probe(): Publication;
  /** The connection is up: publishes what has changed, and goes on every ten seconds. */
  connected(): void;
};

export function createCountersPublisher(options: CountersPublisherOptions): CountersPublisher {
  const { place, counters, spool, connection, now, newId } = options;
  const subject = forwarderSubject(place.region, place.slot);
  /** A Forwarder that has counted nothing opens no connection. */
  let publishedFingerprint = hasNothing(spool.counts()) ? counters.fingerprint() : '';
  let timer: ReturnType<typeof setTimeout> | undefined;
  let dueAtMs = 0;
  let isPublishing = false;
  let isFirst = true;

  function schedule(delayMs: number): void {
    const atMs = now() + delayMs;
    if (timer !== undefined && dueAtMs <= atMs) return;
    clearTimeout(timer);
    dueAtMs = atMs;
    timer = setTimeout(() => {
      timer = undefined;
      void publish();
    }, delayMs);
  }

  function publication(): Publication {
    return { subject, id: newId(), payload: encodeForwarderCounters({ ...counters.snapshot(now()), isFirst }) };
  }

  async function publish(): Promise<void> {
    // Without a connection nothing can be published; `connected` starts again.
    if (isPublishing || !connection.isUp()) return;
    isPublishing = true;
    const fingerprint = counters.fingerprint();
    const kept = spool.counts();
    const outcome = await connection.publish({ ...publication(), isUse: fingerprint !== publishedFingerprint });
    isPublishing = false;
    if (outcome.kind === 'stored') {
      publishedFingerprint = fingerprint;
      isFirst = false;
      spool.markReported(kept);
    }
    schedule(counters.fingerprint() === publishedFingerprint ? UNCHANGED_MS : CHANGED_MS);
  }

  return {
    changed() {
      if (isPublishing || counters.fingerprint() === publishedFingerprint) return;
      if (connection.isUp()) schedule(CHANGED_MS);
      else void connection.open();
    },
    probe: publication,
    connected() {
      if (!isPublishing) void publish();
    },
  };
}

function hasNothing({ beacons, spooled, drained, expired, unpublishable }: SpoolCounts): boolean {
  return beacons + spooled + drained + expired + unpublishable === 0;
}
