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

const CONNECTIONS = 128;
const SESSIONS = 1_000;
const MEETINGS = 100;
const TARGET_RATIO = 0.5;
const WARM_UP_SECONDS = 3;

type Measured = LoadResult & { readonly cpuMicroseconds: number };

export async function run([seconds = '8', rounds = '3']: string[]): Promise<void> {
  const nats = await startNatsServer();
  const admin = await connect({ servers: nats.url });
  const streams = (await admin.jetstreamManager()).streams;
  // As the aggregator makes it, with room for the whole run, so that what was stored can be counted.
  await streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS], max_bytes: 4_000_000_000 });
  const edge = await startTimed('worker/index.ts', nats.url);
  const baseline = await startTimed('bench/baseline.ts', nats.url);
  try {
    const bodies = await signedBodies();
    const measure = (worker: WorkerProcess, duration: number) => measureLoad(worker, bodies, duration);
    for (const { worker } of [edge, baseline]) await measure(worker, WARM_UP_SECONDS);
    const pairs: { edge: Measured; baseline: Measured }[] = [];
    for (let round = 0; round < Number(rounds); round++) {
      pairs.push({
        baseline: await measure(baseline.worker, Number(seconds)),
        edge: await measure(edge.worker, Number(seconds)),
      });
    }
    report(pairs, (await streams.info(STREAM)).state.messages);
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

async function measureLoad(worker: WorkerProcess, bodies: readonly string[], seconds: number): Promise<Measured> {
  const requests = bodies.map((body) => beaconRequest(worker.url, body));
  const before = await cpuSeconds(worker.pid());
  const result = await runLoad({ url: worker.url, requests, connections: CONNECTIONS, seconds });
  const spent = (await cpuSeconds(worker.pid())) - before;
  return { ...result, cpuMicroseconds: (spent * 1_000_000) / result.answered };
}

function report(pairs: readonly { edge: Measured; baseline: Measured }[], messages: number): void {
  for (const { edge, baseline } of pairs) {
    const ratio = edge.perSecond / baseline.perSecond;
    console.log(
      `edge ${edge.perSecond.toFixed(0)}/s, trivial route ${baseline.perSecond.toFixed(0)}/s, ratio ${ratio.toFixed(2)}; ` +
        `CPU a beacon ${edge.cpuMicroseconds.toFixed(0)} us (trivial ${baseline.cpuMicroseconds.toFixed(0)} us)`,
    );
  }
  const ratio = median(pairs.map(({ edge, baseline }) => edge.perSecond / baseline.perSecond));
  const failed = pairs.reduce((sum, { edge, baseline }) => sum + edge.failed + baseline.failed, 0);
  const beacons = pairs.reduce((sum, { edge }) => sum + edge.answered, 0);
  console.log(
    `median ratio ${ratio.toFixed(2)} (target ${TARGET_RATIO}), failed answers ${failed}, ${beacons} beacons, ${messages} messages`,
  );
  if (failed > 0 || ratio < TARGET_RATIO) process.exitCode = 1;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}
