/**
 * The smallest cluster: what the aggregator needs with a thousand sessions that post as the reporter does, and with none,
 * beside an empty Node. The Helm chart's requests and limits are from here.
 * `npm run bench -- rest [sessions] [seconds] [file to start]`; extra flags of Node in NODE_OPTIONS
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'nats';
import { edgeSubject, laneName } from '../shared/subjects.ts';
import { startAggregator } from '../test/support/processes/aggregator.ts';
import { startNatsServer } from '../test/support/processes/nats-server.ts';
import { startProcess } from '../test/support/processes/process.ts';
import { cpuSeconds } from './support/cpu.ts';
import { type Figure, printFigures } from './support/figures.ts';
import { BENCH_SERVER, batchesOf } from './support/traffic.ts';

/** The chart's default: 128 Mi, and 50 thousandths of a core. */
const LIMIT_MB = (128 * 2 ** 20) / 1e6;
const LIMIT_MILLICORES = 50;
const LANES = 4;
/** What a reporter posts while the call is fine (`npm run bench -- reporter`). */
const BEACONS_A_MINUTE = 7;
/** A lane that is not quiet publishes this often. */
const PUBLISH_EVERY_MS = 100;
const SCRAPE_EVERY_MS = 15_000;
const BOARD_EVERY_MS = 2_500;

export async function run([sessions = '1000', seconds = '60', main]: string[]): Promise<void> {
  const nats = await startNatsServer();
  const env = {
    REGION: 'apac',
    SERVERS: BENCH_SERVER,
    LANES: `${LANES}`,
    NODE_OPTIONS: process.env.NODE_OPTIONS ?? '',
  };
  const aggregator = await startAggregator({ natsUrl: nats.url, env, ...(main !== undefined && { main }) });
  const empty = await startProcess(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const figures: Figure[] = [];
  const scrape = () => fetch(`${aggregator.url}/metrics`, { headers: { 'accept-encoding': 'gzip' } });
  const look = () => fetch(`${aggregator.url}/api/v1/overview`);
  const measure = async (what: string) => {
    const before = await cpuSeconds(aggregator.pid);
    await pause(Number(seconds) * 1000);
    const millicores = ((await cpuSeconds(aggregator.pid)) - before) * (1000 / Number(seconds));
    const { residentMb, peakMb } = await memoryOf(aggregator.pid);
    figures.push(
      {
        what: `${what}, CPU`,
        value: `${millicores.toFixed(1)} millicores`,
        target: atMost(millicores, LIMIT_MILLICORES),
      },
      {
        what: `${what}, resident and the most so far`,
        value: `${residentMb.toFixed(0)}, ${peakMb.toFixed(0)} MB`,
        target: atMost(peakMb, LIMIT_MB),
      },
    );
  };
  try {
    const scraping = every(SCRAPE_EVERY_MS, scrape);
    await measure('nobody');
    const stopPosting = await post(nats.url, Number(sessions));
    await measure(`${sessions} sessions`);
    const looking = every(BOARD_EVERY_MS, look);
    await measure(`${sessions} sessions and a board`);
    clearInterval(scraping);
    clearInterval(looking);
    const shown = /^edgepulse_sessions\{.*\} (\d+)$/m.exec(await (await scrape()).text())?.[1];
    if (shown !== sessions) throw new Error(`the aggregator shows ${shown} sessions`);
    await stopPosting();
    figures.push({ what: 'an empty Node, resident', value: `${(await memoryOf(empty.pid)).residentMb.toFixed(0)} MB` });
    printFigures(`resident and CPU over ${seconds} s, a scrape every 15 s`, figures);
  } finally {
    await Promise.all([aggregator.stop(), empty.stop()]);
    await nats.stop();
  }
}

/** All answers are read, as Prometheus and a browser read them. */
function every(ms: number, ask: () => Promise<Response>): NodeJS.Timeout {
  return setInterval(
    () =>
      void ask().then(
        (answer) => answer.arrayBuffer(),
        () => undefined,
      ),
    ms,
  );
}

/** Every session posts at the reporter's pace, spread evenly; each lane has one message each 100 ms. */
async function post(natsUrl: string, sessions: number): Promise<() => Promise<void>> {
  const connection = await connect({ servers: natsUrl });
  const jetStream = connection.jetstream();
  const perMessage = Math.ceil((sessions * BEACONS_A_MINUTE * PUBLISH_EVERY_MS) / 60_000 / LANES);
  const batches = everlasting(sessions, perMessage);
  const everyMs = (perMessage * 60_000) / (sessions * BEACONS_A_MINUTE);
  let sent = 0;
  const timer = setInterval(() => {
    const batch = batches.next().value;
    if (batch) void jetStream.publish(edgeSubject('apac', laneName(sent++ % LANES)), batch);
  }, everyMs);
  return async () => {
    clearInterval(timer);
    await connection.drain();
  };
}

function* everlasting(sessions: number, batch: number): Generator<Uint8Array, void, void> {
  for (let round = 0; ; round++) yield* batchesOf({ sessions, batch, longIds: true }, round, Date.now);
}

/** VmRSS and VmHWM of Linux. */
async function memoryOf(pid: number): Promise<{ residentMb: number; peakMb: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const megabytes = (name: string) =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024) / 1e6;
  return { residentMb: megabytes('VmRSS'), peakMb: megabytes('VmHWM') };
}

function atMost(value: number, most: number): { text: string; met: boolean } {
  return { text: `at most ${most.toFixed(0)}`, met: value <= most };
}
