import { expect, it } from 'vitest';
import { createWatch, POINT_EVERY_MS, TROUBLE_EVERY_MS } from './watch.ts';

function watching() {
  const points: AnalyticsEngineDataPoint[] = [];
  const lines: { message: string; fields: unknown }[] = [];
  const counters = {
    accepted: 0,
    rejected: {},
    spooled: 0,
    inSpool: 0,
    publishErrors: 0,
    droppedExpired: 0,
    droppedUnpublishable: 0,
  };
  let nowMs = 1_000_000;
  const watch = createWatch({
    place: { region: 'apac', slot: 1 },
    snapshot: () => counters,
    isConnected: () => false,
    via: () => 'eu-west',
    dataset: { writeDataPoint: (point) => void (point && points.push(point)) },
    log: { error: (message, fields) => void lines.push({ message, fields }) },
    now: () => nowMs,
  });
  const pass = (ms: number, change: object = {}) => {
    nowMs += ms;
    Object.assign(counters, change);
    watch.observe();
  };
  return { points, lines, pass };
}

it('writes a data point of what has moved since the last one, and none of nothing', () => {
  const { points, pass } = watching();
  pass(POINT_EVERY_MS - 1, { accepted: 5 });
  expect(points).toEqual([]);
  pass(1, { rejected: { invalid_id: 2, rate_limited: 1 }, spooled: 4, inSpool: 4, publishErrors: 1 });
  pass(POINT_EVERY_MS, { accepted: 9, inSpool: 0 });
  pass(POINT_EVERY_MS);
  expect(points).toEqual([
    { indexes: ['apac'], blobs: ['apac', '1', 'disconnected', 'eu-west'], doubles: [5, 3, 4, 0, 1, 4] },
    { indexes: ['apac'], blobs: ['apac', '1', 'disconnected', 'eu-west'], doubles: [4, 0, 0, 0, 0, 0] },
  ]);
});

it('logs one line a minute while there is trouble, and none without', () => {
  const { lines, pass } = watching();
  pass(TROUBLE_EVERY_MS, { accepted: 100 });
  expect(lines).toEqual([]);
  for (let second = 0; second < 120; second++) pass(1_000, { spooled: second + 1, inSpool: second + 1 });
  expect(lines.length).toBe(2);
  expect(lines[1]).toMatchObject({
    message: 'forwarder in trouble',
    fields: { region: 'apac', slot: 1, connected: false, via: 'eu-west', spooled: 60, in_spool: 61 },
  });
});
