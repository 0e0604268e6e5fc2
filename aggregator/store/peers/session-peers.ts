/** What a session's peer connections contribute: kept in step with its newest beacon, moved and removed with it. */
import { FIRST_PEER_MEASURE, MEASURES } from '../../live/measures.ts';
import { UNKNOWN } from '../../live/millionths.ts';
import type { Cell, Population } from '../../live/population.ts';
import type { Plausibility } from '../arrival/plausibility.ts';
import { type Incoming, numbersAt } from '../report/report.ts';
import { SESSION_COLUMN } from '../report/session-columns.ts';
import type { Session } from '../session.ts';
import type { Tally } from '../tally.ts';
import { createPeerTable, type PeerReadings } from './peer-table.ts';
import { createPeerValues } from './peer-values.ts';
import { createStreams } from './streams.ts';

/** What a session's peers are now. */
export type UpdatedPeers = {
  /** One of them may be bad. */
  readonly hasSuspects: boolean;
  /** How many detail series they have. */
  readonly series: number;
};

/** The peers of all sessions. A session knows its own by their rows. */
export type SessionPeers = {
  readonly readings: PeerReadings;
  /**
   * Brings a session's rows in step with the peers that its newest beacon reports: new ones come, missing ones go,
   * every value is replaced. `session.peers` are then in the order of the report.
   */
  update(session: Session, received: ReceivedBeacon): UpdatedPeers;
  /** The session lives in another cell now. */
  move(rows: readonly number[], from: Cell, to: Cell): void;
  /** The session began again: its next counters are not to be compared with these. */
  restart(rows: readonly number[]): void;
  remove(rows: readonly number[], cell: Cell): void;
  /** Calls with each value that the rows contribute, in whole millionths; UNKNOWN for one that is not known. */
  eachValue(rows: readonly number[], call: (measure: number, millionths: number) => void): void;
};

const { visible: VISIBLE } = SESSION_COLUMN.state;
const MEASURE_COUNT = MEASURES.length;

/** The session's newest beacon, with what the peers' values take from its session. */
export type ReceivedBeacon = {
  readonly beacon: Incoming;
  /** Newest RTT of the session; NaN when unknown. */
  readonly rttSeconds: number;
  /** Since the session's beacon before this one. */
  readonly elapsedSeconds: number;
};

export type SessionPeersOptions = {
  readonly population: Population;
  readonly tally: Tally;
  readonly plausibility: Plausibility;
};

export function createSessionPeers({ population, tally, plausibility }: SessionPeersOptions): SessionPeers {
  const table = createPeerTable();
  const values = createPeerValues(table, plausibility);
  const streams = createStreams(table, values);
  /** What the peer being updated contributed so far, by measure. */
  const before = new Uint32Array(MEASURES.length);

  /** The row of the peer, put at `index` of `rows`; clients report their peers in a steady order, so it is mostly there. */
  function bringForward(rows: number[], index: number, id: string): number {
    let found = index;
    while (found < rows.length && table.id(rows[found] as number) !== id) found++;
    const row = found < rows.length ? (rows[found] as number) : table.allocate(id);
    if (found !== index) rows[found] = rows[index] as number;
    rows[index] = row;
    return row;
  }

  function replaceValues(row: number, cell: Cell): void {
    values.addCounts(tally.cumulative(cell));
    const { millionths } = values;
    table.replaceValues(row, millionths, before);
    for (let measure = FIRST_PEER_MEASURE; measure < MEASURE_COUNT; measure++) {
      const was = before[measure] as number;
      const is = millionths[measure] as number;
      if (was !== is) population.replaceMillionths(cell, measure, was, is);
    }
  }

  function removePeer(row: number, cell: Cell): void {
    table.readValues(row, before);
    for (let measure = FIRST_PEER_MEASURE; measure < MEASURES.length; measure++) {
      population.replaceMillionths(cell, measure, before[measure] as number, UNKNOWN);
    }
    streams.remove(row);
    table.release(row);
  }

  return {
    readings: table,
    update(session, { beacon, rttSeconds, elapsedSeconds }) {
      const { cell, peers: rows } = session;
      const { reports } = beacon;
      const { peersFrom, peersTo, sessionAt } = beacon.report;
      const isHidden = reports.sessionNumbers[sessionAt + VISIBLE] === 0;
      const numbers = { numbers: reports.numbers, rttSeconds, elapsedSeconds, isHidden };
      const reception = {
        receiver: session,
        elapsedSeconds,
        hasArrivals: session.arrivalsSeen !== session.presence.meeting.arrivals,
      };
      let hasSuspects = false;
      const count = rows.length;
      const reported = peersTo - peersFrom;
      let series = 0;
      for (let i = 0; i < reported; i++) {
        const peer = peersFrom + i;
        const row = bringForward(rows, i, reports.peerIds[peer] as string);
        series += values.derive(row, numbersAt(peer), numbers);
        replaceValues(row, cell);
        if (streams.refresh(row, reception)) hasSuspects = true;
      }
      for (let i = reported; i < rows.length; i++) removePeer(rows[i] as number, cell);
      population.addPeers(cell, reported - count);
      // A copy has no spare capacity: a hundred thousand sessions keep theirs for as long as they live.
      if (rows.length !== count || count !== reported) session.peers = rows.slice(0, reported);
      return { hasSuspects, series };
    },
    move(rows, from, to) {
      for (const row of rows) {
        table.readValues(row, before);
        for (let measure = FIRST_PEER_MEASURE; measure < MEASURES.length; measure++) {
          const value = before[measure] as number;
          population.replaceMillionths(from, measure, value, UNKNOWN);
          population.replaceMillionths(to, measure, UNKNOWN, value);
        }
      }
      population.addPeers(from, -rows.length);
      population.addPeers(to, rows.length);
    },
    restart(rows) {
      for (const row of rows) {
        table.forgetCounters(row);
        streams.restart(row);
      }
    },
    remove(rows, cell) {
      for (const row of rows) removePeer(row, cell);
      population.addPeers(cell, -rows.length);
    },
    eachValue(rows, call) {
      for (const row of rows) {
        table.readValues(row, before);
        for (let measure = FIRST_PEER_MEASURE; measure < MEASURE_COUNT; measure++)
          call(measure, before[measure] as number);
      }
    },
  };
}
