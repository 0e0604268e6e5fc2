import { expect, it } from 'vitest';
import { createReports } from './report.ts';

it('gives the room of a large message back, half at a time, when only small ones follow', () => {
  const reports = createReports();
  const message = (beacons: number) => {
    reports.clear();
    for (let i = 0; i < beacons; i++) {
      reports.next();
      reports.addRtt(0.1);
      for (let p = 0; p < 3; p++) reports.addPeer(`p-${p}`);
    }
  };
  const room = () => [reports.list, reports.rtt, reports.peerIds, reports.numbers].map(({ length }) => length);
  message(100);
  const small = room();
  message(10_000);
  const large = room();
  for (let i = 0; i < 500; i++) message(100);
  message(10_000);
  for (let i = 0; i < 999; i++) message(100);
  // It is needed now and then.
  expect(room()).toEqual(large);
  for (let i = 0; i < 10_000; i++) message(100);
  for (const [at, length] of room().entries()) {
    expect(length).toBeLessThanOrEqual(Math.max(2 * (small[at] as number), (large[at] as number) / 8));
  }
  message(10_000);
  expect(reports.peerIds[29_999]).toBe('p-2');
});
