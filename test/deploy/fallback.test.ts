/**
 * An aggregator follows its region to where its Forwarders publish while the region's own NATS is away, and back. Real
 * servers from deploy/nats: two regions and the hub, over which the fallback is read.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createFeederAccount, type Feeder, startFeeder } from '../support/edge/feeder.ts';
import type { Scrape } from '../support/metrics/scrape.ts';
import { eventually, pause } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { type NatsPlace, type NatsRegions, startNatsRegions } from '../support/processes/nats-regions.ts';

const REGION = 'apac';
const FALLBACK = 'eu-west';
const TTL_SECONDS = 6;
const SESSIONS = 5;
const DEADLINE = { deadlineMs: 20_000 };
const TABLE = [
  { name: REGION, domain: REGION, latitude: 0, longitude: 0, fallback: [FALLBACK] },
  { name: FALLBACK, domain: FALLBACK, latitude: 0, longitude: 0, nats: ['nats://eu-west.example:4222'] },
];

let nats: NatsRegions;
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  nats = await startNatsRegions({ regions: [REGION, FALLBACK] });
}, 60_000);
afterAll(() => nats?.stop());
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function aggregatorOf(untilReady = true): Promise<AggregatorProcess> {
  const aggregator = await startAggregator({
    natsUrl: nats.region(REGION).aggregatorUrl,
    untilReady,
    env: {
      NATS_FALLBACK_URL: nats.hub.urlOf(`aggregator-${REGION}`),
      REGIONS: JSON.stringify(TABLE),
      REGION,
      SESSION_TTL_SECONDS: `${TTL_SECONDS}`,
    },
  });
  ends.push(() => aggregator.stop());
  return aggregator;
}

/** A Forwarder of the region that publishes where it is told, and all that its clients did. */
async function startForwarder() {
  const account = createFeederAccount();
  const feederAt = async (place: NatsPlace): Promise<Feeder> => {
    const [first = ''] = place.urlOf('operator').split(',');
    const { host, username, password } = new URL(first);
    const feeder = await startFeeder(`nats://${host}`, { user: username, pass: password }, account);
    ends.push(() => feeder.close());
    return feeder;
  };
  const [home, away] = [await feederAt(nats.region(REGION)), await feederAt(nats.region(FALLBACK))];
  const silent = new Set<string>();
  let at = home;
  let seq = 0;
  let beacons = 0;
  /** One batch after another, each until it is stored somewhere. */
  let isStopped = false;
  async function run(): Promise<void> {
    while (!isStopped) {
      const sessions = Array.from({ length: SESSIONS }, (_, i) => `s-${i}`).filter((session) => !silent.has(session));
      const message = account.batch({ region: REGION }, ...sessions.map((session_id) => ({ session_id, seq })));
      seq++;
      for (;;) {
        try {
          await at.put(message);
          break;
        } catch {
          // Its outcome is unknown: it is published again, there or elsewhere, with the header that it had.
        }
      }
      beacons += sessions.length;
      await at.report(REGION, { accepted: beacons, isFirst: seq === 1 }).catch(() => undefined);
      await pause(200);
    }
  }
  const running = run();
  const stop = async () => {
    isStopped = true;
    await running;
  };
  ends.push(stop);
  return {
    goHome: () => {
      at = home;
    },
    goAway: () => {
      at = away;
    },
    /** The next batch reaches both streams, as one does whose acknowledgement is lost. */
    async publishInBoth() {
      const message = account.batch({ region: REGION }, { session_id: 'in-both', leaving: true });
      beacons++;
      await Promise.all([home.put(message), away.put(message)]);
    },
    silence: (session: string) => silent.add(session),
    stop,
    beacons: () => beacons,
  };
}

const sessionsIn = (metrics: Scrape) => metrics.sum('edgepulse_sessions', { region: REGION });

async function isUp(aggregator: AggregatorProcess): Promise<boolean> {
  return (await aggregator.metrics()).value('edgepulse_feed_up', { region: REGION }) === 1;
}

/** The population in each look for so many seconds. */
async function populations(aggregator: AggregatorProcess, seconds: number): Promise<number[]> {
  const untilMs = performance.now() + 1_000 * seconds;
  const seen = new Set<number>();
  await eventually(
    async () => {
      seen.add(sessionsIn(await aggregator.metrics()));
      return performance.now() > untilMs;
    },
    { deadlineMs: 1_000 * seconds + 5_000, intervalMs: 200 },
  );
  return [...seen];
}

describe('a region whose own NATS dies', () => {
  it('stays visible through its fallback and is at home again later, and nothing is counted twice', async () => {
    const aggregator = await aggregatorOf();
    const forwarder = await startForwarder();
    await eventually(async () => sessionsIn(await aggregator.metrics()) === SESSIONS, DEADLINE);
    await forwarder.publishInBoth();
    await nats.region(REGION).kill();
    forwarder.goAway();
    await eventually(() => aggregator.log().includes('feed up through a fallback region'), DEADLINE);
    expect(await isUp(aggregator)).toBe(true);
    const ofSource = async (name: string, source: string) => (await aggregator.metrics()).value(name, { source });
    expect(await ofSource('edgepulse_feed_source_up', REGION)).toBe(0);
    expect(await ofSource('edgepulse_feed_source_up', FALLBACK)).toBe(1);
    const messages = await ofSource('edgepulse_feed_messages_total', FALLBACK);
    await eventually(async () => ((await ofSource('edgepulse_feed_messages_total', FALLBACK)) ?? 0) > (messages ?? 0));
    const answer = async (path: string) => (await fetch(`${aggregator.url}${path}`)).json();
    expect(await answer('/readyz')).toEqual({ ready: true, through: { [REGION]: FALLBACK } });
    expect(await answer('/api/v1/overview')).toMatchObject({ regions: [{ feed: { up: true, through: FALLBACK } }] });
    expect(aggregator.log()).toMatch(/"source":"eu-west".*feed up through a fallback region/);
    expect(await populations(aggregator, TTL_SECONDS + 2)).toEqual([SESSIONS]);

    // Who leaves is seen to leave.
    forwarder.silence('s-4');
    await eventually(async () => sessionsIn(await aggregator.metrics()) === SESSIONS - 1, DEADLINE);

    await nats.region(REGION).restart();
    await eventually(() => aggregator.log().includes('feed up again through the region itself'), DEADLINE);
    forwarder.goHome();
    expect(await populations(aggregator, TTL_SECONDS + 2)).toEqual([SESSIONS - 1]);
    await forwarder.stop();
    const metrics = await eventually(async () => {
      const now = await aggregator.metrics();
      return now.value('edgepulse_beacons_total', { outcome: 'applied' }) === forwarder.beacons() ? now : undefined;
    }, DEADLINE);
    expect(metrics.sum('edgepulse_beacons_total')).toBe(forwarder.beacons());
    expect(metrics.sum('edgepulse_batches_repeated_total')).toBe(1);
    expect(metrics.sum('edgepulse_beacons_lost_total')).toBe(0);
    expect(metrics.value('edgepulse_edge_beacons_total', { outcome: 'accepted' })).toBe(forwarder.beacons());
    expect(metrics.value('edgepulse_sessions_reaped_total', { reason: 'stale' })).toBe(1);
  }, 90_000);

  it('has everybody when its aggregator starts meanwhile, and loses nobody when the fallback is lost too', async () => {
    const forwarder = await startForwarder();
    await nats.region(REGION).kill();
    ends.push(() => nats.region(REGION).restart());
    forwarder.goAway();
    const aggregator = await aggregatorOf();
    expect(sessionsIn(await aggregator.metrics())).toBe(SESSIONS);

    await nats.hub.kill();
    await eventually(async () => !(await isUp(aggregator)), DEADLINE);
    const reaped = async () => (await aggregator.metrics()).sum('edgepulse_sessions_reaped_total');
    // For a TTL at the most the last picture is shown; then there is none, and nobody has left.
    const during = await populations(aggregator, TTL_SECONDS + 2);
    expect(during).toEqual([SESSIONS, 0]);
    await nats.hub.restart();
    await eventually(() => isUp(aggregator), DEADLINE);
    expect(sessionsIn(await aggregator.metrics())).toBe(SESSIONS);
    expect(await reaped()).toBe(0);
  }, 60_000);

  it('does not wait for a fallback that can not be reached when its aggregator starts', async () => {
    const forwarder = await startForwarder();
    await nats.hub.kill();
    ends.push(() => nats.hub.restart());
    const aggregator = await aggregatorOf();
    await eventually(async () => sessionsIn(await aggregator.metrics()) === SESSIONS, DEADLINE);
    expect(aggregator.log()).toMatch(/"connection":"NATS_FALLBACK_URL".*cannot connect to NATS/);
    await forwarder.stop();
  }, 60_000);
});
