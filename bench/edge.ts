/**
 * Beacons per second through token, schema, region, Forwarder and JetStream's acknowledgement, against a
 * trivial Hono route that parses the same JSON; both served by workerd itself, with a real nats-server.
 * `npm run bench -- edge [seconds] [rounds]`
 */
import { gzipSync } from 'node:zlib';
import { connect } from 'nats';
import { STREAM, STREAM_SUBJECTS } from '../shared/subjects.ts';
import { validBeacon } from '../test/support/edge/beacon.ts';
import { testToken } from '../test/support/edge/tokens.ts';
import { startNatsServer } from '../test/support/processes/nats-server.ts';
import { bundleOnce, startWorker, type WorkerProcess } from '../test/support/processes/worker.ts';
import { beaconRequest, FIRST_SEQ, type LoadResult, runLoad } from './load.ts';
import { cpuSeconds } from './support/cpu.ts';
import { count, median, printFigures } from './support/figures.ts';

const SESSIONS = 1_000;
const MEETINGS = 100;
/** What must hold at each number of connections: throughput's ratio to the trivial route's, and calls a beacon. */
const LOADS: readonly { connections: number; ratio: number; callsPerBeacon?: number }[] = [
  { connections: 512, ratio: 0.5, callsPerBeacon: 0.02 },
  { connections: 128, ratio: 0.45 },
];
/** CPU a beacon, as a multiple of the trivial route's. */
const CPU_RATIO_MAX = 2;
const WARM_UP_SECONDS = 3;

type Measured = LoadResult & { readonly cpuMicroseconds: number };
type Round = {
  readonly edge: Measured;
  readonly baseline: Measured;
  readonly calls: number;
  readonly messages: number;
};

export async function run([seconds = '8', rounds = '3']: string[]): Promise<void> {
  const nats = await startNatsServer();
  const admin = await connect({ servers: nats.url });
  const streams = (await admin.jetstreamManager()).streams;
  // As the aggregator makes it, with room for the whole run, so that what was stored can be counted.
  await streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS], max_bytes: 4_000_000_000 });
  const edge = await startTimed('bench/support/counting-worker.ts', nats.url);
  const baseline = await startTimed('bench/baseline.ts', nats.url);
  try {
    const bodies = await signedBodies();
    const messages = async () => (await streams.info(STREAM)).state.messages;
    const calls = async () => Number(await (await fetch(`${edge.worker.url}/calls`)).text());
    for (const load of LOADS) {
      const measure = (worker: WorkerProcess, duration: number) =>
        measureLoad(worker, { bodies, connections: load.connections, seconds: duration });
      for (const { worker } of [edge, baseline]) await measure(worker, WARM_UP_SECONDS);
      const measured: Round[] = [];
      for (let round = 0; round < Number(rounds); round++) {
        const baselineResult = await measure(baseline.worker, Number(seconds));
        const before = { calls: await calls(), messages: await messages() };
        const edgeResult = await measure(edge.worker, Number(seconds));
        measured.push({
          baseline: baselineResult,
          edge: edgeResult,
          calls: (await calls()) - before.calls,
          messages: (await messages()) - before.messages,
        });
      }
      report(load, measured);
    }
    const { code } = await bundleOnce();
    console.log(`bundle: ${kilobytes(Buffer.byteLength(code))}, compressed ${kilobytes(gzipSync(code).byteLength)}`);
    console.log(
      `start-up to the first answer: ${edge.startMs.toFixed(0)} ms (trivial route ${baseline.startMs.toFixed(0)} ms)`,
    );
  } finally {
    await admin.close();
    await Promise.all([edge.worker.stop(), baseline.worker.stop()]);
    await nats.stop();
  }
}

/** The fastest of five starts, the bundle built before: processes and disks of a busy machine only add to it. */
async function startTimed(main: string, natsUrl: string): Promise<{ worker: WorkerProcess; startMs: number }> {
  await bundleOnce(main);
  const worker = await startWorker({ natsUrl, main });
  let startMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const startedAt = performance.now();
    await worker.restart();
    startMs = Math.min(startMs, performance.now() - startedAt);
  }
  return { worker, startMs };
}

/** A call of four, as `sendBeacon` posts it: the token is in the body. */
function signedBodies(): Promise<string[]> {
  const { peers } = validBeacon();
  return Promise.all(
    Array.from({ length: SESSIONS }, async (_, i) => {
      const [meeting, session] = [`m-${i % MEETINGS}`, `s-${i}`];
      const token = await testToken({ meeting, session });
      const received = ['a', 'b', 'c'].map((name) => ({ ...peers[0], peer_id: `${session}-${name}` }));
      const beacon = validBeacon({ meeting_id: meeting, session_id: session, seq: FIRST_SEQ, peers: received });
      return JSON.stringify({ ...beacon, token });
    }),
  );
}

type Load = { readonly bodies: readonly string[]; readonly connections: number; readonly seconds: number };

async function measureLoad(worker: WorkerProcess, { bodies, connections, seconds }: Load): Promise<Measured> {
  const requests = bodies.map((body) => beaconRequest(worker.url, body));
  const before = await cpuSeconds(worker.pid());
  const result = await runLoad({ url: worker.url, requests, connections, seconds });
  const spent = (await cpuSeconds(worker.pid())) - before;
  return { ...result, cpuMicroseconds: (spent * 1_000_000) / result.answered };
}

function report(load: (typeof LOADS)[number], rounds: readonly Round[]): void {
  const of = (figure: (round: Round) => number) => median(rounds.map(figure));
  const ratio = of(({ edge, baseline }) => edge.perSecond / baseline.perSecond);
  const cpuRatio = of(({ edge, baseline }) => edge.cpuMicroseconds / baseline.cpuMicroseconds);
  const callsPerBeacon = of(({ edge, calls }) => calls / edge.answered);
  const failed = rounds.reduce((sum, { edge, baseline }) => sum + edge.failed + baseline.failed, 0);
  const { callsPerBeacon: callsMax = Number.POSITIVE_INFINITY } = load;
  printFigures(`edge, ${load.connections} connections (medians of ${rounds.length})`, [
    { what: 'beacons a second', value: count(of(({ edge }) => edge.perSecond)) },
    { what: 'trivial route, requests a second', value: count(of(({ baseline }) => baseline.perSecond)) },
    {
      what: 'ratio of the two',
      value: ratio.toFixed(2),
      target: { text: `at least ${load.ratio}`, met: ratio >= load.ratio },
    },
    { what: 'CPU a beacon', value: `${of(({ edge }) => edge.cpuMicroseconds).toFixed(0)} us` },
    { what: 'CPU a trivial request', value: `${of(({ baseline }) => baseline.cpuMicroseconds).toFixed(0)} us` },
    {
      what: 'ratio of the two',
      value: cpuRatio.toFixed(2),
      target: { text: `at most ${CPU_RATIO_MAX}`, met: cpuRatio <= CPU_RATIO_MAX },
    },
    { what: 'beacons a call', value: of(({ edge, calls }) => edge.answered / calls).toFixed(1) },
    {
      what: 'calls a beacon',
      value: callsPerBeacon.toFixed(4),
      ...(load.callsPerBeacon === undefined
        ? {}
        : { target: { text: `under ${callsMax}`, met: callsPerBeacon < callsMax } }),
    },
    { what: 'beacons a message', value: of(({ edge, messages }) => edge.answered / messages).toFixed(1) },
    { what: 'failed answers', value: count(failed), target: { text: 'none', met: failed === 0 } },
  ]);
  if (failed > 0 || ratio < load.ratio || cpuRatio > CPU_RATIO_MAX || callsPerBeacon >= callsMax) process.exitCode = 1;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}
