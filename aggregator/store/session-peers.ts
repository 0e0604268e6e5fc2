/** What a session's peer connections contribute: kept in step with its newest beacon, moved and removed with it. */

import { FIRST_PEER_MEASURE } from '../live/measures.ts';
import { type Cell, contribute } from '../live/population.ts';
import {
  allocate,
  chunkOf,
  createPeerTable,
  createPeerValues,
  forgetCounters,
  offsetOf,
  type PeerTable,
  type PeerValues,
  release,
  report,
} from './peer-table.ts';
import { ownCopy, type Report, type Reports } from './report.ts';
import { give, reserve, type SeriesBudget } from './series-budget.ts';

export type SessionPeers = {
  readonly table: PeerTable;
  readonly budget: SeriesBudget;
  /** Scratch of one report. */
  readonly values: PeerValues;
};

export function createSessionPeers(budget: SeriesBudget): SessionPeers {
  return { table: createPeerTable(), budget, values: createPeerValues() };
}

/**
 * Brings a session's rows in step with the peers that its newest beacon reports: new ones come,
 * missing ones go, every value is replaced.
 * @returns the rows in the order of the report; `rows` itself when nobody came or went
 */
export function updatePeers(
  peers: SessionPeers,
  rows: number[],
  { reports, report: { peersFrom, peersTo }, cell }: { reports: Reports; report: Report; cell: Cell },
): number[] {
  const before = rows.length;
  const reported = peersTo - peersFrom;
  for (let i = 0; i < reported; i++) {
    const row = bringForward(peers.table, rows, i, reports.peerId(peersFrom + i));
    replaceValues(peers, row, { reports, peer: peersFrom + i, cell });
  }
  for (let i = reported; i < rows.length; i++) removePeer(peers, rows[i] as number, cell);
  cell.peers += reported - before;
  if (rows.length === before && before === reported) return rows;
  // A copy has no spare capacity: a hundred thousand sessions keep theirs for as long as they live.
  return rows.slice(0, reported);
}

export function removePeers(peers: SessionPeers, rows: readonly number[], cell: Cell): void {
  for (const row of rows) removePeer(peers, row, cell);
  cell.peers -= rows.length;
}

/** The session elected another server or came in by another region. */
export function movePeers({ table }: SessionPeers, rows: readonly number[], from: Cell, to: Cell): void {
  for (const row of rows) {
    const chunk = chunkOf(table, row);
    const at = offsetOf(row);
    for (let m = 0; m < VALUES; m++) {
      const value = chunk[at + m] as number;
      contribute(from, FIRST_PEER_MEASURE + m, value, Number.NaN);
      contribute(to, FIRST_PEER_MEASURE + m, Number.NaN, value);
    }
  }
  from.peers -= rows.length;
  to.peers += rows.length;
}

/** The session started again: the next counters are not to be compared with these. */
export function restartPeers({ table }: SessionPeers, rows: readonly number[]): void {
  for (const row of rows) forgetCounters(table, row);
}

const VALUES = createPeerValues().length;

/** The row of the peer, put at `index` of `rows`; clients report their peers in a steady order, so it is mostly there. */
function bringForward(table: PeerTable, rows: number[], index: number, id: string): number {
  let found = index;
  while (found < rows.length && table.ids[rows[found] as number] !== id) found++;
  const row = found < rows.length ? (rows[found] as number) : allocate(table, ownCopy(id));
  if (found !== index) rows[found] = rows[index] as number;
  rows[index] = row;
  return row;
}

function replaceValues(
  { table, budget, values }: SessionPeers,
  row: number,
  { reports, peer, cell }: { reports: Reports; peer: number; cell: Cell },
): void {
  const known = report(table, row, { reports, peer, values, totals: cell.cumulative });
  const chunk = chunkOf(table, row);
  const at = offsetOf(row);
  for (let m = 0; m < VALUES; m++) {
    const value = values[m] as number;
    contribute(cell, FIRST_PEER_MEASURE + m, chunk[at + m] as number, value);
    chunk[at + m] = value;
  }
  table.series[row] = reserve(budget, table.series[row] as number, known);
}

function removePeer({ table, budget }: SessionPeers, row: number, cell: Cell): void {
  const chunk = chunkOf(table, row);
  const at = offsetOf(row);
  for (let m = 0; m < VALUES; m++) contribute(cell, FIRST_PEER_MEASURE + m, chunk[at + m] as number, Number.NaN);
  give(budget, table.series[row] as number);
  release(table, row);
}
