import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { freePort } from '../../dev/ports.ts';
import { eventually } from '../../test/support/poll.ts';
import { startMonitoring } from './prometheus.ts';
import { createAlertWatch } from './watch.ts';

it('says in one line that it can not have its port, and lets the demo go on', async () => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  const lines: string[] = [];
  const monitoring = startMonitoring({
    aggregators: ['http://127.0.0.1:9464'],
    metricsToken: undefined,
    port,
    watch: createAlertWatch(() => undefined),
    report: (line) => lines.push(line),
  });
  await eventually(() => lines.length > 0);
  expect(lines).toEqual([`no Prometheus, so no alerts: PROMETHEUS_PORT: port ${port} is already in use`]);
  await monitoring.stop();
  server.close();
});
