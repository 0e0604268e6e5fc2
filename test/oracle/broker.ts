/** The edge's Forwarders and the broker: they put beacons into messages, and keep the stored ones by region. */
import { type BatchHeader, type Entry, encodeBatchHeader, encodeEntry, joinBatch } from '../../shared/batch.ts';
import { laneOf } from '../../shared/subjects.ts';
import type { StoredMessage } from './model/model.ts';

export const LANES = 4;

/** A message as it was built, and as bytes. */
export type Logged = StoredMessage & { readonly bytes: Uint8Array };

/** A beacon on its way, and the slot of the Forwarder that it goes through. */
export type Sent = { readonly region: string; readonly slot: number; readonly entry: Entry };

/** The clocks by which a message is sent and stored. */
export type Stamps = { readonly sentAtMs: number; readonly storedAtMs: number };

export type Broker = {
  /** The stream's messages of a region, oldest first. */
  log(region: string): readonly Logged[];
  /** Stores the beacons, in a message for each lane. They share region and slot. */
  publish(sent: readonly Sent[], stamps: Stamps): void;
  /** Stores a message again, `pick` before the newest. */
  repeat(region: string, pick: number, storedAtMs: number): void;
  damaged(region: string, how: 'garbage' | 'header' | 'entry' | 'cut', stamps: Stamps): void;
  /** The Forwarder restarts its count (a new epoch). */
  nextEpoch(region: string, slot: number): void;
};

/** The aggregator may forget an epoch that is older. */
const REPEATABLE = 4;

export function createBroker(regions: readonly string[]): Broker {
  const logs = new Map<string, Logged[]>(regions.map((region) => [region, []]));
  /** By region and slot. */
  const epochs = new Map<string, number>();
  const accepted = new Map<string, number>();

  function logOf(region: string): Logged[] {
    return logs.get(region) as Logged[];
  }

  function headerOf(
    place: { region: string; lane: string; slot: number },
    count: number,
    sentAtMs: number,
  ): BatchHeader {
    const { region, lane, slot } = place;
    const epoch = `epoch-${region}-${slot}-${epochs.get(`${region} ${slot}`) ?? 0}`;
    const key = `${lane} ${epoch}`;
    const total = (accepted.get(key) ?? 0) + count;
    accepted.set(key, total);
    return { slot, epoch, accepted: total, sentAtMs };
  }

  function damage(how: 'header' | 'entry' | 'cut', header: BatchHeader, encoded: Uint8Array): Uint8Array {
    if (how === 'header') return joinBatch({ ...header, epoch: 'not an id' }, [encoded, encoded]);
    // The last remaining byte is in the middle of an entry.
    if (how === 'cut') return joinBatch(header, [encoded, encoded]).slice(0, -3);
    const broken = encodeEntry({ receivedAtMs: 1, colo: '', beacon: beaconOf('no id', 0) });
    return joinBatch(header, [broken, encoded]);
  }

  return {
    log: logOf,
    publish(sent, { sentAtMs, storedAtMs }) {
      const [first] = sent;
      if (!first) return;
      const { region, slot } = first;
      const lanes = Map.groupBy(sent, ({ entry }) => laneOf(entry.beacon.meeting_id, LANES));
      for (const [lane, ofLane] of lanes) {
        const entries = ofLane.map(({ entry }) => entry);
        const header = headerOf({ region, lane, slot }, entries.length, sentAtMs);
        const bytes = joinBatch(header, entries.map(encodeEntry));
        logOf(region).push({ region, lane, storedAtMs, header, entries, damaged: 0, bytes });
      }
    },
    repeat(region, pick, storedAtMs) {
      const message = logOf(region)
        .slice(-REPEATABLE)
        .at(-1 - pick);
      if (message) logOf(region).push({ ...message, storedAtMs });
    },
    damaged(region, how, { sentAtMs, storedAtMs }) {
      const place = { region, lane: 'f00', slot: 0 };
      const log = (message: Pick<Logged, 'header' | 'entries' | 'damaged' | 'bytes'>) =>
        logOf(region).push({ region, lane: place.lane, storedAtMs, ...message });
      if (how === 'garbage') {
        log({
          header: undefined,
          entries: [],
          damaged: 0,
          bytes: encodeBatchHeader({ slot: 0, epoch: '', accepted: 0, sentAtMs }).slice(1),
        });
        return;
      }
      const header = headerOf(place, 2, sentAtMs);
      const entry = { receivedAtMs: sentAtMs, colo: '', beacon: beaconOf('s-whole', header.accepted) };
      const bytes = damage(how, header, encodeEntry(entry));
      if (how === 'header') log({ header: undefined, entries: [], damaged: 2, bytes });
      else log({ header, entries: [entry], damaged: 1, bytes });
    },
    nextEpoch(region, slot) {
      const key = `${region} ${slot}`;
      epochs.set(key, (epochs.get(key) ?? 0) + 1);
    },
  };
}

function beaconOf(session_id: string, seq: number) {
  return { v: 1 as const, meeting_id: 'm-damaged', session_id, participant_id: session_id, seq, peers: [] };
}
