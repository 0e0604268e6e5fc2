/**
 * The whole path with realistic batches: a given number of beacons a second and sessions through the worker in
 * workerd, NATS and the aggregator. Measures what a beacon costs behind the edge, and how fresh the figures are.
 * `npm run bench -- path [beacons a second] [sessions] [seconds]`
 */
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'nats';
import { STREAM } from '../shared/subjects.ts';
import { validBeacon } from '../test/support/edge/beacon.ts';
import { testToken } from '../test/support/edge/tokens.ts';
import { postBeacon, type System, startSystem } from '../test/support/processes/system.ts';
import { beaconRequest, FIRST_SEQ, type LoadOptions, runLoad } from './load.ts';
import { cpuSeconds } from './support/cpu.ts';
import { count, type Figure, milliseconds, printFigures } from './support/figures.ts';

const CONNECTIONS = 256;
const MEETING = 4;
const IDLE_SECONDS = 10;
const WARM_UP_SECONDS = 10;
const TARGET_MICROSECONDS = 12;
const TARGET_MS = 300;
const PROBE_MEETING = 'm-probe';

export async function run([perSecond = '2000', sessions = '10000', seconds = '20']: string[]): Promise<void> {
  const system = await startSystem({ ttlSeconds: 30 });
  try {
    const bodies = await signedBodies(Number(sessions));
    const requests = bodies.map((body) => beaconRequest(system.worker.url, body));
    const load: LoadOptions = {
      url: system.worker.url,
      requests,
      connections: CONNECTIONS,
      seconds: WARM_UP_SECONDS,
      perSecond: Number(perSecond),
    };
    const idle = await idleFigures(system);
    await runLoad(load);
    printFigures(`${perSecond} beacons a second of ${sessions} sessions`, [
      ...idle,
      ...(await costFigures(system, { ...load, seconds: Number(seconds) })),
      ...(await freshnessFigures(system, { ...load, seconds: Number(seconds) })),
    ]);
  } finally {
    await system.stop();
  }
}

/** What both cost when nobody posts: heartbeats, timers, the stream's own housekeeping. It is part of a beacon's cost below. */
async function idleFigures({ aggregator, nats }: System): Promise<Figure[]> {
  const pids = [aggregator.pid, nats.pid()];
  const before = await Promise.all(pids.map(cpuSeconds));
  await pause(IDLE_SECONDS * 1000);
  const after = await Promise.all(pids.map(cpuSeconds));
  const [ofAggregator = 0, ofNats = 0] = after.map((seconds, i) => ((seconds - (before[i] ?? 0)) * 1e3) / IDLE_SECONDS);
  return [
    {
      what: 'idle, CPU a second: aggregator, nats-server',
      value: `${ofAggregator.toFixed(1)}, ${ofNats.toFixed(1)} ms`,
    },
  ];
}

async function costFigures(system: System, load: LoadOptions): Promise<Figure[]> {
  const pids = { aggregator: system.aggregator.pid, nats: system.nats.pid() };
  const before = { aggregator: await cpuSeconds(pids.aggregator), nats: await cpuSeconds(pids.nats) };
  const messages = await messagesIn(system);
  const { answered, failed, perSecond } = await runLoad(load);
  const microseconds = async (process: 'aggregator' | 'nats') =>
    (((await cpuSeconds(pids[process])) - before[process]) * 1e6) / answered;
  const aggregator = await microseconds('aggregator');
  const nats = await microseconds('nats');
  if (failed > 0) throw new Error(`${failed} beacons were not answered 204`);
  const both = aggregator + nats;
  return [
    { what: 'beacons a second', value: count(perSecond) },
    { what: 'beacons a message', value: (answered / ((await messagesIn(system)) - messages)).toFixed(1) },
    { what: 'CPU a beacon, aggregator', value: `${aggregator.toFixed(1)} us` },
    { what: 'CPU a beacon, nats-server', value: `${nats.toFixed(1)} us` },
    {
      what: 'CPU a beacon, both',
      value: `${both.toFixed(1)} us`,
      target: { text: `at most ${TARGET_MICROSECONDS} us`, met: both <= TARGET_MICROSECONDS },
    },
  ];
}

/** Under the same load: new sessions one after another, each from its POST until the aggregator's API has it. */
async function freshnessFigures(system: System, load: LoadOptions): Promise<Figure[]> {
  const loading = runLoad(load);
  const took: number[] = [];
  const endsAt = performance.now() + load.seconds * 1000;
  while (performance.now() < endsAt) took.push(await timeVisible(system, `s-probe-${took.length}`));
  await loading;
  took.sort((a, b) => a - b);
  const p99 = nearestRank(took, 0.99);
  return [
    { what: `freshness p50 of ${took.length}, POST to visible`, value: milliseconds(nearestRank(took, 0.5)) },
    {
      what: 'freshness p99',
      value: milliseconds(p99),
      target: { text: `under ${TARGET_MS} ms`, met: p99 < TARGET_MS },
    },
  ];
}

async function timeVisible({ worker, aggregator }: System, session_id: string): Promise<number> {
  const token = await testToken({ meeting: PROBE_MEETING, session: session_id });
  // It leaves with the next beacon, so that the answer stays short.
  const url = `${aggregator.url}/api/v1/sessions?region=apac&meeting_id=${PROBE_MEETING}&sort=rtt&limit=100`;
  const from = performance.now();
  const beacon = validBeacon({ meeting_id: PROBE_MEETING, session_id });
  const posted = await postBeacon(worker, beacon, { token });
  if (posted.status !== 204) throw new Error(`the beacon was answered ${posted.status}`);
  for (;;) {
    const text = await (await fetch(url)).text();
    if (text.includes(`"${session_id}"`)) break;
    if (performance.now() - from > 10_000) throw new Error(`not visible within 10 s: ${text.slice(0, 200)}`);
  }
  const ms = performance.now() - from;
  await postBeacon(worker, { ...beacon, seq: 1, leaving: true }, { token });
  return ms;
}

/** Messages of beacons alone: a Forwarder's counters are few. */
async function messagesIn({ nats }: System): Promise<number> {
  const connection = await connect({ servers: nats.url });
  try {
    const manager = await connection.jetstreamManager();
    // Sequences rise by one for each message, whatever has aged out since.
    return (await manager.streams.info(STREAM)).state.last_seq;
  } finally {
    await connection.close();
  }
}

/** As a page posts them: the token is in the body. */
function signedBodies(sessions: number): Promise<string[]> {
  const { peers } = validBeacon();
  return Promise.all(
    Array.from({ length: sessions }, async (_, i) => {
      const [meeting, session] = [`m-${Math.floor(i / MEETING)}`, `s-${i}`];
      const token = await testToken({ meeting, session });
      const received = ['a', 'b', 'c'].map((name) => ({ ...peers[0], peer_id: `${session}-${name}` }));
      const beacon = validBeacon({ meeting_id: meeting, session_id: session, seq: FIRST_SEQ, peers: received });
      return JSON.stringify({ ...beacon, token });
    }),
  );
}

function nearestRank(sorted: readonly number[], quantile: number): number {
  return sorted[Math.max(1, Math.ceil(quantile * sorted.length)) - 1] ?? Number.NaN;
}
