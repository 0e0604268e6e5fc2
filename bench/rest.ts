/**
 * The aggregator at rest: what it keeps resident with a hundred sessions, beside an empty Node.
 * `npm run bench -- rest [sessions] [seconds]`
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { startFeeder } from '../test/support/edge/feeder.ts';
import { startAggregator } from '../test/support/processes/aggregator.ts';
import { startNatsServer } from '../test/support/processes/nats-server.ts';
import { startProcess } from '../test/support/processes/process.ts';
import { type Figure, printFigures } from './support/figures.ts';

const TARGET_MB = 80;
const EVERY_MS = 5_000;

export async function run([sessions = '100', seconds = '60']: string[]): Promise<void> {
  const nats = await startNatsServer();
  const aggregator = await startAggregator({ natsUrl: nats.url });
  const feeder = await startFeeder(nats.url);
  const empty = await startProcess(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  try {
    const ids = Array.from({ length: Number(sessions) }, (_, i) => `session-${i}`);
    const stop = feeder.keepAlive({}, ids, EVERY_MS);
    // As Prometheus does, which is the other half of the work at rest.
    const scraping = setInterval(() => void aggregator.metrics().catch(() => undefined), 3 * EVERY_MS);
    await pause(Number(seconds) * 1000);
    stop();
    clearInterval(scraping);
    const resident = await residentMegabytes(aggregator.pid);
    const figures: Figure[] = [
      { what: 'an empty Node', value: `${(await residentMegabytes(empty.pid)).toFixed(0)} MB` },
      {
        what: `the aggregator, ${sessions} sessions, a scrape every 15 s`,
        value: `${resident.toFixed(0)} MB`,
        target: { text: `at most ${TARGET_MB} MB`, met: resident <= TARGET_MB },
      },
    ];
    printFigures(`resident after ${seconds} s`, figures);
  } finally {
    await Promise.all([feeder.close(), aggregator.stop(), empty.stop()]);
    await nats.stop();
  }
}

/** VmRSS of Linux. */
async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return (Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024) / 1e6;
}
