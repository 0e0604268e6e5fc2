/** The entries of a packet's map of peers: where each is, and which of them are kept. */
import { BYTES, type WireReader } from '../wire-reader.ts';
import { knownFields, NOTHING_KNOWN, TAG_MAX } from './tags.ts';
import type { TextReader } from './text-reader.ts';

/** Of one packet at a time. */
export type PeerEntries = {
  clear(): void;
  /** Reads the entry that begins here, with its length, and passes over the peer's statistics. */
  read(end: number): 'read' | 'damaged_encoding' | 'invalid_id' | 'too_many_peers';
  /** Which entries are kept: at most so many. @returns false when one of them is there twice */
  choose(most: number): boolean;
  /** How many are kept, and how many are not. */
  readonly chosen: number;
  readonly omitted: number;
  id(chosen: number): string;
  /** Goes to the statistics of the peer. @returns where they end */
  open(chosen: number): number;
};

/** More than that is no meeting, but somebody who wants to keep us busy. */
export const PEERS_READ_MAX = 1_000;

type Entry = { id: string; from: number; end: number };

const TAG = { key: 1 * 8 + BYTES, value: 2 * 8 + BYTES } as const;
const KNOWN = knownFields({ 1: BYTES, 2: BYTES });

export function createPeerEntries(wire: WireReader, texts: TextReader): PeerEntries {
  const { values } = wire;
  /** The first {@link count} are of this packet. */
  const entries: Entry[] = [];
  let count = 0;
  let chosen = 0;

  function next(): Entry {
    const entry = entries[count] ?? { id: '', from: 0, end: 0 };
    entries[count++] = entry;
    entry.id = '';
    // A value that is left out is a message without members.
    entry.from = 0;
    entry.end = 0;
    return entry;
  }

  function readEntry(entry: Entry, end: number): 'read' | 'damaged_encoding' | 'invalid_id' {
    let seen = 0;
    while (values.pos < end) {
      const tag = values.readVarint();
      if (tag > TAG_MAX || KNOWN.isDamaged(tag)) return 'damaged_encoding';
      const bit = KNOWN.bitOf(tag >>> 3);
      if ((seen & bit) !== 0) return 'damaged_encoding';
      seen |= bit;
      if (tag === TAG.key) {
        entry.id = texts.id(end);
        if (entry.id === '') return 'invalid_id';
      } else if (tag === TAG.value) {
        entry.end = wire.endOfMessage(end);
        entry.from = values.pos;
        if (entry.end === 0) return 'damaged_encoding';
        values.pos = entry.end;
      } else if (!wire.skip(tag, NOTHING_KNOWN, end)) return 'damaged_encoding';
    }
    if (values.pos !== end) return 'damaged_encoding';
    return entry.id === '' ? 'invalid_id' : 'read';
  }

  /** Maps have no order: the same peers are kept of every packet, so that series do not come and go. */
  function sort(): void {
    entries.length = count;
    entries.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  }

  function isTwice(index: number): boolean {
    const { id } = entries[index] as Entry;
    for (let i = 0; i < index; i++) if ((entries[i] as Entry).id === id) return true;
    return false;
  }

  return {
    clear() {
      count = 0;
      chosen = 0;
    },
    read(end) {
      if (count === PEERS_READ_MAX) return 'too_many_peers';
      const entryEnd = wire.endOfMessage(end);
      return entryEnd === 0 ? 'damaged_encoding' : readEntry(next(), entryEnd);
    },
    choose(most) {
      if (count > most) sort();
      chosen = Math.min(count, most);
      for (let i = 1; i < chosen; i++) if (isTwice(i)) return false;
      return true;
    },
    get chosen() {
      return chosen;
    },
    get omitted() {
      return count - chosen;
    },
    id: (index) => (entries[index] as Entry).id,
    open(index) {
      const { from, end } = entries[index] as Entry;
      values.pos = from;
      return end;
    },
  };
}
