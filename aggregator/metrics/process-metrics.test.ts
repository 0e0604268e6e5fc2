import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { parseMetrics, pick } from '../../test/support/metrics/exposition-text.ts';
import { eventually } from '../../test/support/poll.ts';
import { createProcessMetrics } from './process-metrics.ts';

/** Collects garbage: what `--expose-gc` gives, in a process that was started without it. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

it.each([false, true])(
  'stay within their bound, also once garbage was collected (OpenMetrics: %s)',
  async (openMetrics) => {
    const metrics = createProcessMetrics();
    const read = async () => parseMetrics(await metrics.text(openMetrics));
    expect(pick(await read(), 'nodejs_gc_duration_seconds_count')).toEqual([]);
    collectGarbage();
    const samples = await eventually(async () => {
      const found = await read();
      return pick(found, 'nodejs_gc_duration_seconds_count').length > 0 ? found : undefined;
    });
    expect(samples.length).toBeLessThanOrEqual(metrics.seriesBound);
    expect(pick(samples, 'process_resident_memory_bytes')).toHaveLength(1);
  },
);

it('leave out label sets that are open', async () => {
  const samples = parseMetrics(await createProcessMetrics().text(false));
  expect(samples.filter(({ name }) => name.startsWith('nodejs_active_'))).toEqual([]);
});

it('are the same families in either format, whichever was asked for first', async () => {
  const metrics = createProcessMetrics();
  const families = (text: string) => [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(([, name, type]) => [name, type]);
  const openMetrics = families(await metrics.text(true));
  const text = await metrics.text(false);
  expect(families(text)).toContainEqual(['process_cpu_seconds_total', 'counter']);
  expect(openMetrics).toEqual(
    families(text).map(([name, type]) => [type === 'counter' ? name?.replace(/_total$/, '') : name, type]),
  );
  // Two scrapes close together: no figure is without a value.
  for (const { value } of parseMetrics(text + (await metrics.text(false)))) expect(value).not.toBeNaN();
});

it('show how long the event loop was held, until the next scrape', async () => {
  const metrics = createProcessMetrics();
  const longestSeconds = async () => {
    const [{ value } = { value: Number.NaN }] = pick(
      parseMetrics(await metrics.text(false)),
      'nodejs_eventloop_lag_max_seconds',
    );
    return value;
  };
  // A delay is between two ticks of the monitor, and is known in the turn after the hold.
  const isHoldShown = async () => {
    const until = performance.now() + 200;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve));
    return (await longestSeconds()) > 0.1;
  };
  await eventually(isHoldShown, { intervalMs: 150 });
  expect(await longestSeconds()).toBe(0);
});
