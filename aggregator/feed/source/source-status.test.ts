import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSourceStatus, type Loss } from './source-status.ts';

function setUp(filters: readonly string[] = ['f00', 'f01']) {
  const calls: (string | Loss)[] = [];
  const status = createSourceStatus({ filters, onUp: () => calls.push('up'), onDown: (loss) => calls.push(loss) });
  return { status, calls };
}

const lossOf = (filter: string, sinceMs = 5): Loss => ({ filter, reason: 'disconnected', sinceMs });

it('is connecting until every filter is read, replaying until every one has caught up, then up', () => {
  const { status, calls } = setUp();
  expect(status.state).toBe('connecting');
  status.reading('f00', true);
  expect(status.state).toBe('connecting');
  status.reading('f01', false);
  expect(status.state).toBe('replaying');
  expect(calls).toEqual([]);
  status.reading('f01', true);
  expect(status.state).toBe('up');
  expect(calls).toEqual(['up']);
});

it('is down as soon as one filter is lost, and says so once, with the first loss', () => {
  const { status, calls } = setUp();
  status.reading('f00', true);
  status.reading('f01', true);
  status.lost(lossOf('f00', 5));
  status.lost(lossOf('f01', 7));
  expect(status.state).toBe('down');
  expect(calls).toEqual(['up', lossOf('f00', 5)]);
});

it('stays connecting when it is lost before every filter has been read, and is down after that', () => {
  const { status, calls } = setUp();
  status.reading('f00', true);
  status.lost(lossOf('f00'));
  expect(status.state).toBe('connecting');
  status.reading('f00', false);
  status.reading('f01', false);
  status.lost(lossOf('f01'));
  expect(status.state).toBe('down');
  expect(calls).toEqual([]);
});

it('is up exactly between onUp and onDown, whatever the readers report', () => {
  const filters = ['f00', 'f01', 'f02'];
  const report = fc.record({
    filter: fc.constantFrom(...filters),
    progress: fc.constantFrom('lost', 'replaying', 'caught-up'),
  });
  fc.assert(
    fc.property(fc.array(report, { maxLength: 30 }), (reports) => {
      const { status, calls } = setUp(filters);
      const newest = new Map<string, string>();
      for (const { filter, progress } of reports) {
        if (progress === 'lost' || newest.get(filter) !== 'caught-up') newest.set(filter, progress);
        if (progress === 'lost') status.lost(lossOf(filter));
        else status.reading(filter, progress === 'caught-up');
        const isUp = filters.every((name) => newest.get(name) === 'caught-up');
        expect(status.state === 'up').toBe(isUp);
        expect(calls.at(-1) === 'up').toBe(isUp);
      }
      for (const [i, call] of calls.entries()) expect(call === 'up').toBe(i % 2 === 0);
    }),
  );
});
