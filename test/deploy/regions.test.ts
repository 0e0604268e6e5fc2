/**
 * Three regions with everything real, joined as deploy/nats has it: the worker in workerd, a nats-server and an aggregator
 * for each region, and the hub. What goes wrong in one region does not cost it a beacon, and the others nothing.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { validBeacon } from '../support/edge/beacon.ts';
import { eventually, pause } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { type NatsRegions, startNatsRegions } from '../support/processes/nats-regions.ts';
import { postBeacon } from '../support/processes/system.ts';
import { startWorker, type WorkerProcess } from '../support/processes/worker.ts';

const REGIONS = ['us-east', 'eu-west', 'apac'] as const;
type RegionName = (typeof REGIONS)[number];

const TTL_SECONDS = 10;
const SESSIONS = 3;
const DEADLINE = { deadlineMs: 25_000, intervalMs: 200 };
const ALL_UP = { 'us-east': 1, 'eu-west': 1, apac: 1 };

let nats: NatsRegions;
let worker: WorkerProcess;
let table: string;
const aggregators = new Map<string, AggregatorProcess>();

beforeAll(async () => {
  nats = await startNatsRegions({ regions: REGIONS });
  table = JSON.stringify(
    REGIONS.map((name, i) => ({
      name,
      latitude: 0,
      longitude: 0,
      domain: name,
      nats: [nats.region(name).edgeUrl],
      fallback: [...REGIONS.slice(i + 1), ...REGIONS.slice(0, i)],
    })),
  );
  const starts = REGIONS.map(async (name) => {
    aggregators.set(name, await aggregatorOf(name, nats.region(name).aggregatorUrl, `aggregator-${name}`));
  });
  const working = startWorker({
    natsUrl: 'nats://127.0.0.1:1',
    vars: { REGIONS: JSON.parse(table), SESSION_TTL_SECONDS: `${TTL_SECONDS}` },
  });
  await Promise.all(starts);
  worker = await working;
}, 60_000);
afterAll(async () => {
  await worker?.stop();
  await Promise.all([...aggregators.values()].map((aggregator) => aggregator.stop()));
  await nats?.stop();
});

function aggregatorOf(region: string, natsUrl: string, user: string): Promise<AggregatorProcess> {
  return startAggregator({
    natsUrl,
    env: {
      NATS_FALLBACK_URL: nats.hub.urlOf(user),
      REGIONS: table,
      REGION: region,
      SESSION_TTL_SECONDS: `${TTL_SECONDS}`,
    },
  });
}

const of = (region: RegionName): AggregatorProcess => aggregators.get(region) as AggregatorProcess;

/** `feed_up` of each region, at its own aggregator. */
async function feeds(regions: readonly RegionName[] = REGIONS): Promise<{ [region: string]: number }> {
  const entries = regions.map(async (region) => [region, (await of(region).metrics()).sum('edgepulse_feed_up')]);
  return Object.fromEntries(await Promise.all(entries));
}

/** Clients of all regions, who post five times a second. */
function createClients() {
  const accepted: { [region: string]: number } = Object.fromEntries(REGIONS.map((name) => [name, 0]));
  let rejected = 0;
  let seq = 0;
  let isStopped = true;
  let running = Promise.resolve();

  async function post(region: RegionName, session: number): Promise<void> {
    const beacon = validBeacon({ meeting_id: `m-${region}`, session_id: `${region}-${session}`, seq });
    const { status } = await postBeacon(worker, beacon, { region });
    if (status === 204) accepted[region] = (accepted[region] ?? 0) + 1;
    else rejected++;
  }

  async function run(): Promise<void> {
    while (!isStopped) {
      const posts = REGIONS.flatMap((region) => Array.from({ length: SESSIONS }, (_, i) => post(region, i)));
      const paced = pause(200);
      // A post that waits for a slow region does not keep the others from posting.
      outstanding.push(...posts);
      seq++;
      await paced;
    }
  }
  const outstanding: Promise<void>[] = [];

  return {
    accepted: (region: RegionName) => accepted[region] ?? 0,
    rejected: () => rejected,
    start(): void {
      isStopped = false;
      running = run();
    },
    async stop(): Promise<void> {
      isStopped = true;
      await running;
      await Promise.all(outstanding.splice(0));
    },
  };
}

const clients = createClients();

/** All that the region's clients were answered 204 for has been applied, once. */
async function expectAllApplied(region: RegionName): Promise<void> {
  await eventually(async () => {
    const metrics = await of(region).metrics();
    expect(metrics.value('edgepulse_beacons_total', { outcome: 'applied' })).toBe(clients.accepted(region));
    expect(metrics.value('edgepulse_edge_beacons_total', { outcome: 'accepted' })).toBe(clients.accepted(region));
    return true;
  }, DEADLINE);
  const metrics = await of(region).metrics();
  expect(metrics.sum('edgepulse_beacons_total')).toBe(clients.accepted(region));
  expect(metrics.sum('edgepulse_beacons_lost_total')).toBe(0);
  expect(metrics.sum('edgepulse_edge_beacons_total', { outcome: 'dropped' })).toBe(0);
}

describe('while the people of all regions are in calls', () => {
  beforeEach(() => clients.start());
  afterEach(() => clients.stop());

  it('each aggregator shows its own region, and no other', async () => {
    for (const region of REGIONS) {
      const metrics = await eventually(async () => {
        const now = await of(region).metrics();
        return now.sum('edgepulse_sessions') === SESSIONS ? now : undefined;
      }, DEADLINE);
      expect(metrics.sum('edgepulse_sessions', { region })).toBe(SESSIONS);
    }
    await clients.stop();
    for (const region of REGIONS) await expectAllApplied(region);
  });

  it("a region whose NATS is killed goes through the next region's and returns, and nothing accepted is lost", async () => {
    await eventually(async () => (await of('apac').metrics()).sum('edgepulse_sessions') === SESSIONS, DEADLINE);
    await nats.region('apac').kill();
    const away = await eventually(async () => {
      const metrics = await of('apac').metrics();
      return metrics.sum('edgepulse_forwarders_on_fallback') === 1 && metrics.sum('edgepulse_feed_up') === 1
        ? metrics
        : undefined;
    }, DEADLINE);
    expect(away.sum('edgepulse_sessions')).toBe(SESSIONS);
    expect(worker.log()).toMatch(/publishing through another region's NATS","region":"apac","slot":0,"via":"us-east"/);
    expect((await of('us-east').metrics()).sum('edgepulse_forwarders_on_fallback')).toBe(0);
    // Longer than the attempts of the NATS client: after them the Forwarder makes a new one.
    await eventually(
      () => worker.log().includes('cannot connect to NATS; retrying","name":"edgepulse apac 0"'),
      DEADLINE,
    );

    await nats.region('apac').restart();
    await eventually(async () => (await of('apac').metrics()).sum('edgepulse_forwarders_on_fallback') === 0, DEADLINE);
    expect(worker.log()).toContain(`publishing through the region's own NATS again","region":"apac"`);
    await clients.stop();
    expect(clients.rejected()).toBe(0);
    for (const region of REGIONS) await expectAllApplied(region);
    expect((await of('apac').metrics()).value('edgepulse_sessions_reaped_total', { reason: 'stale' })).toBe(0);
  }, 80_000);

  it('the way between two regions that is cut and healed costs neither of them anything', async () => {
    await eventually(async () => (await of('eu-west').metrics()).sum('edgepulse_sessions') === SESSIONS, DEADLINE);
    const readsItsFallback = async () =>
      (await of('us-east').metrics()).sum('edgepulse_feed_source_up', { source: 'eu-west' }) === 1;
    await eventually(readsItsFallback, DEADLINE);
    nats.region('eu-west').cutLeaf();
    // The other regions' aggregators can't look there any more, and its own does not look through the hub.
    await eventually(async () => !(await readsItsFallback()), DEADLINE);
    expect(await feeds()).toEqual(ALL_UP);
    for (const region of REGIONS) expect((await of(region).metrics()).sum('edgepulse_sessions')).toBe(SESSIONS);
    // The server tries again in its own time.
    void nats
      .region('eu-west')
      .healLeaf()
      .catch(() => undefined);
    await eventually(readsItsFallback, { ...DEADLINE, deadlineMs: 40_000 });
    await clients.stop();
    for (const region of REGIONS) await expectAllApplied(region);
  }, 80_000);

  it('an aggregator that dies is noticed by nobody else, and shows its region when it is back', async () => {
    await of('us-east').kill();
    const before = clients.accepted('us-east');
    await eventually(() => clients.accepted('us-east') > before + 5 * SESSIONS, DEADLINE);
    expect(await feeds(['eu-west', 'apac'])).toEqual({ 'eu-west': 1, apac: 1 });
    expect(clients.rejected()).toBe(0);
    await of('us-east').restart();
    await eventually(async () => (await of('us-east').metrics()).sum('edgepulse_sessions') === SESSIONS, DEADLINE);
    await clients.stop();
    for (const region of ['eu-west', 'apac'] as const) await expectAllApplied(region);
  }, 40_000);
});

it('a person who roams counts once where one aggregator sees both regions, and for up to a TTL in each where not', async () => {
  const both = await aggregatorOf('us-east,eu-west', nats.region('us-east').urlOf('operator'), 'operator');
  try {
    const roam = async (region: RegionName, seq: number) => {
      const beacon = validBeacon({ meeting_id: 'm-roam', session_id: 'roams', seq });
      expect((await postBeacon(worker, beacon, { region })).status).toBe(204);
    };
    const whereSeen = async (aggregator: AggregatorProcess) => {
      const metrics = await aggregator.metrics();
      return REGIONS.filter(
        (region) => metrics.sum('edgepulse_session_rtt_seconds', { region, session_id: 'roams' }) > 0,
      );
    };
    await roam('us-east', 0);
    await eventually(async () => (await whereSeen(both)).join() === 'us-east', DEADLINE);
    await roam('eu-west', 1);
    await eventually(async () => (await whereSeen(both)).join() === 'eu-west', DEADLINE);
    expect(await whereSeen(of('us-east'))).toEqual(['us-east']);
    expect(await whereSeen(of('eu-west'))).toEqual(['eu-west']);
    // Whom it left hears nothing of it, and so it ends there by its silence.
    await eventually(async () => (await whereSeen(of('us-east'))).length === 0, DEADLINE);
  } finally {
    await both.stop();
  }
}, 60_000);
