import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { REJECT_REASONS } from '../../shared/reject.ts';
import { parseMetrics, pick, total } from '../../test/support/metrics/exposition-text.ts';
import { createSessions } from '../store/sessions.ts';
import { createMetrics } from './self-metrics.ts';
import { seriesBound } from './series-bound.ts';

const REGIONS = ['apac', 'sa'];

function setUp() {
  const options = {
    regions: REGIONS,
    servers: ['https://media.example'],
    ttlSeconds: 30,
    maxSessions: 100,
    maxSessionSeries: 10,
  };
  const sessions = createSessions(options);
  const storeBound = seriesBound(options);
  const metrics = createMetrics(sessions, { version: '1.2.3', storeBound });
  const read = async (openMetrics = false) =>
    parseMetrics((await Readable.from(metrics.text(openMetrics)).toArray()).join('').concat('# EOF\n'));
  return { sessions, storeBound, metrics, read };
}

it('shows every label of the closed sets from the start, at zero', async () => {
  const samples = await setUp().read();
  const rejected = pick(samples, 'edgepulse_edge_beacons_total', { outcome: 'rejected', region: 'sa' });
  expect(rejected.map(({ labels }) => labels.reason)).toEqual([...REJECT_REASONS]);
  expect(total(samples, 'edgepulse_edge_beacons_total')).toBe(0);
  for (const outcome of ['applied', 'duplicate', 'late', 'invalid']) {
    expect(pick(samples, 'edgepulse_beacons_total', { outcome })).toHaveLength(REGIONS.length);
  }
  expect(pick(samples, 'edgepulse_sessions_reaped_total', { reason: 'stale' })).toHaveLength(REGIONS.length);
  expect(total(samples, 'edgepulse_build_info', { version: '1.2.3' })).toBe(1);
});

it('reads the totals at the scrape, and adds nothing up twice', async () => {
  const { sessions, read } = setUp();
  const totals = sessions.totals('apac');
  totals.applied = 7;
  totals.lost = 2;
  totals.edge.rejected.set('rate_limited', 3);
  totals.edge.accepted = 7;
  totals.edge.droppedFull = 4;
  totals.edge.spool.set('f00', 5).set('f01', 6);
  await read();
  const samples = await read();
  expect(total(samples, 'edgepulse_beacons_total', { region: 'apac', outcome: 'applied' })).toBe(7);
  expect(total(samples, 'edgepulse_beacons_lost_total', { region: 'apac' })).toBe(2);
  expect(total(samples, 'edgepulse_edge_beacons_total', { region: 'apac', reason: 'rate_limited' })).toBe(3);
  expect(total(samples, 'edgepulse_edge_beacons_total', { region: 'apac', reason: 'full' })).toBe(4);
  expect(total(samples, 'edgepulse_edge_spool_beacons', { region: 'apac' })).toBe(11);
  // Applied, dropped and in spools: the account that holds at any quiet moment.
  expect(total(samples, 'edgepulse_edge_beacons_total', { region: 'apac', outcome: 'accepted' })).toBe(7 + 4 + 11);
  expect(total(samples, 'edgepulse_edge_spool_beacons', { region: 'sa' })).toBe(0);
});

it('says which feeds are up', async () => {
  const { sessions, read } = setUp();
  sessions.feedUp('sa', 0);
  const samples = await read();
  expect(total(samples, 'edgepulse_feed_up', { region: 'apac' })).toBe(0);
  expect(total(samples, 'edgepulse_feed_up', { region: 'sa' })).toBe(1);
});

it('names counters in OpenMetrics without their suffix in the header', async () => {
  const text = (await Readable.from(setUp().metrics.text(true)).toArray()).join('');
  expect(text).toContain('# TYPE edgepulse_beacons_lost counter\nedgepulse_beacons_lost_total{region="apac"} 0\n');
});

it('stays within the bound that it exposes, process metrics included, and leaves out open label sets', async () => {
  const { storeBound, metrics, read } = setUp();
  globalThis.gc?.();
  const samples = await read();
  expect(total(samples, 'edgepulse_series_bound')).toBe(metrics.seriesBound);
  expect(samples.length).toBeLessThanOrEqual(metrics.seriesBound - storeBound);
  expect(samples.filter(({ name }) => name.startsWith('nodejs_active_'))).toEqual([]);
  expect(pick(samples, 'process_resident_memory_bytes')).toHaveLength(1);
});
