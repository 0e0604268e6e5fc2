import { describe, expect, it } from 'vitest';
import { formatClock } from '../page/format.js';
import { NOW } from '../testing.ts';
import { PANELS, queryOf } from './panels.js';
import { describePanel, tableOf } from './summary.js';
import { createTimeline, type Steps } from './timeline.js';

const [RTT] = PANELS;
if (!RTT) throw new Error('nothing is charted');

/** Steps of half a minute, with a p95 of the RTT alone. */
function stepsOf(...p95: (number | null)[]): Steps {
  const { columns } = createTimeline().of('');
  const unknown = Object.fromEntries(Object.keys(columns).map((column) => [column, p95.map(() => null)]));
  const minute = NOW - (NOW % 60_000);
  return {
    timesMs: p95.map((_, i) => minute + i * 30_000),
    columns: { ...unknown, rtt_p95: p95 } as unknown as Steps['columns'],
  };
}

describe('a chart in words', () => {
  it.each([
    ['what it is now, and between what it was', [0.05, 0.31, 0.07], 'p95 now 70 ms, between 50 ms and 310 ms'],
    ['what it is, when it never changed', [0.05, 0.05], 'p95 now 50 ms'],
    ['that it is not known now', [0.05, null], 'p95 not known now'],
    ['that it was never known', [null], 'p95 not known'],
  ])('says %s', (_, p95, text) => {
    const described = describePanel(RTT, stepsOf(...p95), 'apac');
    expect(described).toBe(`RTT of clients, apac, last 15 minutes: p50 not known; ${text}; p99 not known`);
  });

  it('is a table of the worst of each minute, the newest first', () => {
    const { head, rows } = tableOf([RTT], stepsOf(0.05, 0.31, 0.07, null, null));
    const minute = (i: number) => formatClock(NOW - (NOW % 60_000) + i * 60_000).slice(0, 5);
    expect(head).toEqual(['minute', 'RTT of clients p50, ms', 'RTT of clients p95, ms', 'RTT of clients p99, ms']);
    expect(rows).toEqual([
      [minute(2), '–', '–', '–'],
      [minute(1), '–', '70', '–'],
      [minute(0), '–', '310', '–'],
    ]);
  });
});

describe('the query of a chart', () => {
  it.each([
    [
      'rtt',
      '',
      'histogram_quantile(0.95, sum by (le) (max without (instance, pod) (edgepulse_live_rtt_seconds_bucket)))',
    ],
    [
      'concealment',
      'apac',
      'histogram_quantile(0.95, sum by (le) (max without (instance, pod) (edgepulse_live_concealment_ratio_bucket{region="apac"})))',
    ],
    ['impaired', '', 'sum(max without (instance, pod) (edgepulse_impaired_sessions{cause="any"}))'],
    ['impaired', 'sa', 'sum(max without (instance, pod) (edgepulse_impaired_sessions{region="sa",cause="any"}))'],
    ['people', 'sa', 'sum(max without (instance, pod) (edgepulse_participants{region="sa"}))'],
  ])('of %s in %j', (measure, region, query) => {
    const panel = PANELS.find((one) => one.measure === measure);
    expect(panel && queryOf(panel, region)).toBe(query);
  });
});
