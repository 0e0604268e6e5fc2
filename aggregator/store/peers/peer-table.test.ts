import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NETEQ_MAX, NETEQ_OPERATIONS, OPERATIONS_MAX, VIDEO_MAX } from '../../../shared/beacon.ts';
import { round } from '../../live/distribution.ts';
import { FIRST_PEER_MEASURE, MEASURES } from '../../live/measures.ts';
import { millionthsOf, VALUE_MAX } from '../../live/millionths.ts';
import { COUNTER_COLUMNS } from '../report/report.ts';
import { createPeerTable, type PeerTable } from './peer-table.ts';

/** Every cell of a row with the way to write and to read it. */
const CELLS = [
  ...range(FIRST_PEER_MEASURE, MEASURES.length).map((m) => ({
    set: (table: PeerTable, row: number, value: number) => setValue(table, row, m, value),
    get: (table: PeerTable, row: number) => table.value(row, m),
  })),
  ...range(0, NETEQ_OPERATIONS.length).map((o) => ({
    set: (table: PeerTable, row: number, value: number) => setOperation(table, row, o, value),
    get: (table: PeerTable, row: number) => table.operation(row, o),
  })),
  ...range(0, COUNTER_COLUMNS).map((c) => ({
    set: (table: PeerTable, row: number, value: number) => setCounter(table, row, c, value),
    get: (table: PeerTable, row: number) => counterOf(table, row, c),
  })),
];

function setValue(table: PeerTable, row: number, measure: number, value: number): void {
  const values = new Uint32Array(MEASURES.length);
  table.readValues(row, values);
  values[measure] = millionthsOf(value);
  table.replaceValues(row, values, new Uint32Array(MEASURES.length));
}

function setOperation(table: PeerTable, row: number, operation: number, rate: number): void {
  const rates = NETEQ_OPERATIONS.map((_, o) => (o === operation ? rate : table.operation(row, o)));
  table.setOperations(row, Uint32Array.from(rates, millionthsOf));
}

/** All counters of the row, which stay as they are. */
function countersOf(table: PeerTable, row: number): Float64Array {
  const moved = new Float64Array(COUNTER_COLUMNS);
  table.readCounters(row, new Float64Array(COUNTER_COLUMNS), 0, moved);
  const counters = moved.map((change) => 0 - change);
  table.readCounters(row, counters, 0, moved);
  return counters;
}

function counterOf(table: PeerTable, row: number, counter: number): number {
  return countersOf(table, row)[counter] as number;
}

function setCounter(table: PeerTable, row: number, counter: number, reading: number): void {
  const counters = countersOf(table, row);
  counters[counter] = reading;
  table.readCounters(row, counters, 0, new Float64Array(COUNTER_COLUMNS));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

describe('the peer table', () => {
  it('keeps every number of every row apart, over the edge of a chunk too', () => {
    const table = createPeerTable();
    const rows = range(0, 5_000).map((i) => table.allocate(`p-${i}`));
    const numberOf = (row: number, c: number) => round((row * CELLS.length + c) / 1_000);
    for (const row of rows) for (const [c, cell] of CELLS.entries()) cell.set(table, row, numberOf(row, c));
    for (const row of rows) {
      expect(CELLS.map((cell) => cell.get(table, row))).toEqual(CELLS.map((_, c) => numberOf(row, c)));
    }
    expect(table.id(4_999)).toBe('p-4999');
  });

  it('gives back exactly the value that it was given, so that a distribution takes back what was added', () => {
    const table = createPeerTable();
    const row = table.allocate('a');
    const value = fc.oneof(
      fc.double({ min: 0, max: VALUE_MAX, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(value.map(round), (known) => {
        setValue(table, row, FIRST_PEER_MEASURE, known);
        setOperation(table, row, 0, known);
        expect([table.value(row, FIRST_PEER_MEASURE), table.operation(row, 0)]).toEqual([known, known]);
      }),
    );
    setValue(table, row, FIRST_PEER_MEASURE, Number.NaN);
    setOperation(table, row, 0, Number.NaN);
    expect([table.value(row, FIRST_PEER_MEASURE), table.operation(row, 0)]).toEqual([Number.NaN, Number.NaN]);
  });

  it('says what every counter moved by since its reading before, and nothing where one of the two is unknown', () => {
    const table = createPeerTable();
    const [row, other] = [table.allocate('a'), table.allocate('b')];
    const reading = fc.oneof(fc.constant(Number.NaN), fc.double({ min: -(2 ** 52), max: 2 ** 53, noNaN: true }));
    const readings = fc.array(reading, { minLength: COUNTER_COLUMNS, maxLength: COUNTER_COLUMNS });
    let before: readonly number[] = range(0, COUNTER_COLUMNS).map(() => Number.NaN);
    const moved = new Float64Array(COUNTER_COLUMNS);
    fc.assert(
      fc.property(readings, fc.nat(5), (now, from) => {
        table.readCounters(
          other,
          Float64Array.from(now, (value) => value / 2),
          0,
          moved,
        );
        table.readCounters(row, Float64Array.from([...range(0, from), ...now]), from, moved);
        expect([...moved]).toEqual(now.map((value, c) => value - (before[c] as number)));
        before = now;
      }),
    );
  });

  it('holds whatever a beacon may carry', () => {
    const { expand, accelerate, fast_accelerate } = OPERATIONS_MAX;
    const most = [NETEQ_MAX.buffer, expand, accelerate + fast_accelerate, VIDEO_MAX.framesPerSecond];
    expect(Math.max(...most)).toBeLessThanOrEqual(VALUE_MAX);
  });

  it('forgets counters alone', () => {
    const table = createPeerTable();
    const [row, other] = [table.allocate('a'), table.allocate('b')];
    for (const one of [row, other]) for (const cell of CELLS) cell.set(table, one, 1);
    table.forgetCounters(row);
    const known = CELLS.map((cell) => !Number.isNaN(cell.get(table, row)));
    expect(known).toEqual(CELLS.map((_, c) => c < CELLS.length - COUNTER_COLUMNS));
    expect(CELLS.map((cell) => cell.get(table, other))).toEqual(CELLS.map(() => 1));
  });

  it('uses rows again, with nothing in them of who had them before, and has no more rows than were ever in use', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (comings) => {
        const table = createPeerTable();
        const inUse: number[] = [];
        let most = 0;
        for (const comes of comings) {
          if (comes) {
            const row = table.allocate('p');
            expect(CELLS.every((cell) => Number.isNaN(cell.get(table, row)))).toBe(true);
            expect(inUse).not.toContain(row);
            for (const cell of CELLS) cell.set(table, row, 1);
            inUse.push(row);
          } else {
            const row = inUse.shift();
            if (row !== undefined) table.release(row);
          }
          most = Math.max(most, inUse.length);
          expect(Math.max(-1, ...inUse)).toBeLessThan(most);
        }
      }),
    );
  });

  it('has memory for the chunks that somebody is in, and one more, whoever leaves in whatever order', () => {
    const steps = fc.array(
      fc.record({ comes: fc.boolean(), many: fc.integer({ min: 1, max: 3_000 }), from: fc.nat() }),
      {
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const table = createPeerTable();
        const inUse: number[] = [];
        for (const { comes, many, from } of all) {
          if (comes) {
            for (let i = 0; i < many; i++) {
              const row = table.allocate(`p-${i}`);
              for (const cell of CELLS.slice(-1)) {
                expect(cell.get(table, row)).toBeNaN();
                cell.set(table, row, row);
              }
              inUse.push(row);
            }
          } else {
            const at = inUse.length === 0 ? 0 : from % inUse.length;
            for (const row of inUse.splice(at, many)) table.release(row);
          }
          // Each row still has its own number.
          expect(inUse.every((row) => CELLS.at(-1)?.get(table, row) === row)).toBe(true);
          const chunks = new Set(inUse.map((row) => row >> 10)).size;
          expect(new Set(inUse).size).toBe(inUse.length);
          expect(table.capacity).toBeLessThanOrEqual((chunks + 1) * 1_024);
        }
        for (const row of inUse) table.release(row);
        expect(table.capacity).toBeLessThanOrEqual(1_024);
      }),
      { numRuns: 50 },
    );
  });
});
