/** Who the ended sessions heard, and how, when they ended: a row for each peer, in the order of the sessions. */
import { SIDES, type Side } from '../../attribution/side.ts';
import { SILENCE_CAUSES, type SilenceCause } from '../../attribution/silence.ts';
import { FIRST_PEER_MEASURE, MEASURES } from '../../live/measures.ts';
import { fromMillionths } from '../../live/millionths.ts';
import type { PeerReadings } from '../peers/peer-table.ts';
import { createRows, indexIn } from './rows.ts';

/** A peer as it was received last. */
export type EndedPeer = {
  readonly id: string;
  /** @param measure number of a peer measure @returns NaN when unknown */
  value(measure: number): number;
  /** Whose fault it was that the stream was bad; absent when it was not. */
  readonly side: Side | undefined;
  readonly silence: SilenceCause | undefined;
};

/** What was wrong with a stream. */
export type Verdict = { readonly side: Side; readonly silence: SilenceCause | undefined };

export type EndedPeers = {
  /** The number that the next peer will have. */
  readonly end: number;
  readonly count: number;
  readonly capacity: number;
  /** Copies a living session's peer. @param row of the table of living peers */
  append(peers: PeerReadings, row: number, verdict: Verdict | undefined): void;
  read(peer: number): EndedPeer;
  /** Drops the oldest ones, all before `to`. */
  dropBefore(to: number): void;
};

const VALUES = MEASURES.length - FIRST_PEER_MEASURE;
/** A verdict in one byte: the side from 1 on, 0 is not bad; and the silence, from 1 on, above it. */
const SILENCE_SHIFT = 4;

type Chunk = { readonly values: Uint32Array; readonly verdicts: Uint8Array; readonly ids: string[] };

export function createEndedPeers(): EndedPeers {
  const rows = createRows<Chunk>((count) => ({
    values: new Uint32Array(count * VALUES),
    verdicts: new Uint8Array(count),
    ids: new Array<string>(count).fill(''),
  }));
  const values = new Uint32Array(MEASURES.length);

  return {
    get end() {
      return rows.end;
    },
    get count() {
      return rows.end - rows.first;
    },
    get capacity() {
      return rows.capacity;
    },
    append(peers, row, verdict) {
      const peer = rows.append();
      const chunk = rows.chunkOf(peer);
      const index = indexIn(peer);
      peers.readValues(row, values);
      for (let i = 0; i < VALUES; i++) chunk.values[index * VALUES + i] = values[FIRST_PEER_MEASURE + i] as number;
      chunk.verdicts[index] = verdict ? pack(verdict) : 0;
      chunk.ids[index] = peers.id(row);
    },
    read(peer) {
      const chunk = rows.chunkOf(peer);
      const index = indexIn(peer);
      const verdict = chunk.verdicts[index] as number;
      return {
        id: chunk.ids[index] as string,
        value: (measure) => fromMillionths(chunk.values[index * VALUES + measure - FIRST_PEER_MEASURE] as number),
        side: SIDES[(verdict & ((1 << SILENCE_SHIFT) - 1)) - 1],
        silence: SILENCE_CAUSES[(verdict >> SILENCE_SHIFT) - 1],
      };
    },
    dropBefore(to) {
      for (let peer = rows.first; peer < to; peer++) rows.chunkOf(peer).ids[indexIn(peer)] = '';
      rows.dropBefore(to);
    },
  };
}

function pack({ side, silence }: Verdict): number {
  const silenceNumber = silence === undefined ? 0 : SILENCE_CAUSES.indexOf(silence) + 1;
  return (SIDES.indexOf(side) + 1) | (silenceNumber << SILENCE_SHIFT);
}
