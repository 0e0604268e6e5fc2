/** What a session's peer connections contribute: kept in step with its newest beacon, moved and removed with it. */
import { FIRST_PEER_MEASURE, MEASURES } from '../live/measures.ts';
import type { Cell, Population } from '../live/population.ts';
import { createPeerTable, type PeerReadings } from './peer-table.ts';
import { createPeerValues } from './peer-values.ts';
import { type Incoming, numbersAt } from './report.ts';
import type { SeriesBudget } from './series-budget.ts';

/** The peers of all sessions. A session knows its own by their rows. */
export type SessionPeers = {
  readonly readings: PeerReadings;
  /**
   * Brings a session's rows in step with the peers that its newest beacon reports: new ones come,
   * missing ones go, every value is replaced.
   * @returns the rows in the order of the report; `rows` itself when nobody came or went
   */
  update(rows: number[], cell: Cell, beacon: ReceivedBeacon): number[];
  /** The session lives in another cell now. */
  move(rows: readonly number[], from: Cell, to: Cell): void;
  /** The session began again: its next counters are not to be compared with these. */
  restart(rows: readonly number[]): void;
  remove(rows: readonly number[], cell: Cell): void;
};

/** The session's newest beacon, with what the peers' values take from its session. */
export type ReceivedBeacon = Incoming & {
  /** Newest RTT of the session; NaN when unknown. */
  readonly rttSeconds: number;
  /** Since the session's beacon before this one. */
  readonly elapsedSeconds: number;
};

export function createSessionPeers(population: Population, budget: SeriesBudget): SessionPeers {
  const table = createPeerTable();
  const values = createPeerValues(table);

  /** The row of the peer, put at `index` of `rows`; clients report their peers in a steady order, so it is mostly there. */
  function bringForward(rows: number[], index: number, id: string): number {
    let found = index;
    while (found < rows.length && table.id(rows[found] as number) !== id) found++;
    const row = found < rows.length ? (rows[found] as number) : table.allocate(id);
    if (found !== index) rows[found] = rows[index] as number;
    rows[index] = row;
    return row;
  }

  function replaceValues(row: number, cell: Cell, known: number): void {
    values.addCounts(cell.cumulative);
    for (let measure = FIRST_PEER_MEASURE; measure < MEASURES.length; measure++) {
      const value = values.value(measure);
      population.replace(cell, measure, table.value(row, measure), value);
      table.setValue(row, measure, value);
    }
    table.setSeries(row, budget.reserve(table.series(row), known));
  }

  function removePeer(row: number, cell: Cell): void {
    for (let measure = FIRST_PEER_MEASURE; measure < MEASURES.length; measure++) {
      population.replace(cell, measure, table.value(row, measure), Number.NaN);
    }
    budget.release(table.series(row));
    table.release(row);
  }

  return {
    readings: table,
    update(rows, cell, { reports, report: { peersFrom, peersTo }, rttSeconds, elapsedSeconds }) {
      const numbers = { numbers: reports.numbers, rttSeconds, elapsedSeconds };
      const before = rows.length;
      const reported = peersTo - peersFrom;
      for (let i = 0; i < reported; i++) {
        const peer = peersFrom + i;
        const row = bringForward(rows, i, reports.peerIds[peer] as string);
        replaceValues(row, cell, values.derive(row, numbersAt(peer), numbers));
      }
      for (let i = reported; i < rows.length; i++) removePeer(rows[i] as number, cell);
      population.addPeers(cell, reported - before);
      if (rows.length === before && before === reported) return rows;
      // A copy has no spare capacity: a hundred thousand sessions keep theirs for as long as they live.
      return rows.slice(0, reported);
    },
    move(rows, from, to) {
      for (const row of rows) {
        for (let measure = FIRST_PEER_MEASURE; measure < MEASURES.length; measure++) {
          const value = table.value(row, measure);
          population.replace(from, measure, value, Number.NaN);
          population.replace(to, measure, Number.NaN, value);
        }
      }
      population.addPeers(from, -rows.length);
      population.addPeers(to, rows.length);
    },
    restart(rows) {
      for (const row of rows) table.forgetCounters(row);
    },
    remove(rows, cell) {
      for (const row of rows) removePeer(row, cell);
      population.addPeers(cell, -rows.length);
    },
  };
}
