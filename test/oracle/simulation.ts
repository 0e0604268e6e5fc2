/**
 * Plays steps to an aggregator and to its model: clients post, messages are stored and delivered, clocks are set, feeds go
 * down and come back, the process restarts.
 */
import { topologyFingerprint } from '../../shared/topology.ts';
import { createBroker, LANES, type Sent } from './broker.ts';
import { createClients } from './clients.ts';
import { createClocks } from './clocks.ts';
import { type Comparison, createComparer } from './compare.ts';
import { SERVERS } from './content.ts';
import { createCountersLog } from './counters.ts';
import { createFeeds, type Feeds } from './feeds.ts';
import { expectedOf } from './model/expected.ts';
import { createModel, type Model, type ModelOptions } from './model/model.ts';
import { type Post, REGIONS, type Step } from './steps.ts';
import { createSystem, SURROUNDINGS, type System } from './system.ts';

export type SimulationOptions = Pick<ModelOptions, 'maxSessions' | 'maxSessionSeries'> & { readonly shards: number };

export type Simulation = {
  play(step: Step): void;
  /** Compares what the aggregator exposes now with what the model expects. */
  check(): Comparison;
};

const TTL_SECONDS = 30;
const TICK_MS = 250;
/** A tick this much too late means that the process was paused: the feed is read again from where it was. */
const PAUSED_MS = 4_000;

export function createSimulation({ shards, ...limits }: SimulationOptions): Simulation {
  const topology = topologyFingerprint({ regions: REGIONS, servers: SERVERS, lanes: LANES, ttlSeconds: TTL_SECONDS });
  const shard = { index: shards - 1, count: shards };
  const options = { regions: REGIONS, servers: SERVERS, ttlSeconds: TTL_SECONDS, ...limits, shard, topology };
  const comparer = createComparer();
  const clients = createClients();
  const clocks = createClocks();
  const broker = createBroker(REGIONS);
  const counters = createCountersLog(REGIONS, topology);
  /** Beacons that wait at the edge. */
  const held: Sent[] = [];
  let process = start(false);

  function start(isSlow: boolean): { system: System; model: Model; feeds: Feeds } {
    const system = createSystem(options);
    const model = createModel(options);
    const sinceMs = clocks.now().brokerMs - 2 * TTL_SECONDS * 1000;
    return { system, model, feeds: createFeeds({ broker, counters, clocks, system, model, sinceMs, isSlow }) };
  }

  function wait(ms: number, isTicking: boolean): void {
    if (!isTicking) {
      clocks.pass(ms);
      if (ms > TICK_MS + PAUSED_MS) process.feeds.resume();
      return;
    }
    for (let left = ms; left > 0; left -= TICK_MS) {
      clocks.pass(Math.min(TICK_MS, left));
      process.feeds.tick();
    }
  }

  function post(posts: readonly Post[]): void {
    const beacons = posts.map((one) => {
      const entry = { receivedAtMs: clocks.stamps().sentAtMs - one.waitedMs, colo: 'SIN', beacon: clients.beacon(one) };
      return { region: clients.regionOf(one.client), slot: one.client % 2, entry, fate: one.fate };
    });
    held.push(...beacons.filter(({ fate }) => fate === 'held'));
    publish(beacons.filter(({ fate }) => fate === 'sent' || fate === 'twice'));
    publish(beacons.filter(({ fate }) => fate === 'twice'));
  }

  function publish(sent: readonly Sent[]): void {
    for (const ofForwarder of Map.groupBy(sent, ({ region, slot }) => `${region} ${slot}`).values()) {
      broker.publish(ofForwarder, clocks.stamps());
      for (const { region } of ofForwarder.slice(0, 1)) process.feeds.arrive(region);
    }
  }

  function repeat(pick: number): void {
    for (const region of REGIONS) {
      broker.repeat(region, pick, clocks.stamps().storedAtMs);
      process.feeds.arrive(region);
    }
  }

  function play(step: Step): void {
    switch (step.kind) {
      case 'post':
        post(step.posts);
        break;
      case 'release':
        publish(held.splice(step.pick % Math.max(1, held.length), 1));
        break;
      case 'repeat':
        repeat(step.pick);
        break;
      case 'roam':
        clients.roam(step.client);
        break;
      case 'rename':
        clients.rename(step.client, step.participant);
        break;
      case 'reload':
        clients.reload(step.client, step.saysStarted);
        break;
      case 'wait':
        wait(step.ms, step.isTicking);
        break;
      case 'clock':
        clocks.set(step.whose, step.byMs);
        break;
      case 'restart':
        process = start(!step.isPrompt);
        break;
      default:
        playInRegion(REGIONS[step.region] as string, step);
    }
  }

  function playInRegion(region: string, step: Extract<Step, { readonly region: number }>): void {
    const { feeds } = process;
    switch (step.kind) {
      case 'damaged':
        broker.damaged(region, step.how, clocks.stamps());
        feeds.arrive(region);
        break;
      case 'epoch':
        broker.nextEpoch(region, step.slot);
        counters.nextEpoch(region, step.slot);
        break;
      case 'counters':
        counters.publish(region, step.slot, step.work, clocks.stamps());
        feeds.arrive(region);
        break;
      case 'hang':
        feeds.hang(region);
        break;
      case 'drop':
        feeds.drop(region);
        feeds.setSlow(region, step.isSlow);
        break;
      case 'reconnect':
        feeds.connect(region);
        break;
      case 'slow':
      case 'fast':
        feeds.setSlow(region, step.kind === 'slow');
        break;
      case 'handle':
        feeds.handle(region, step.count);
        break;
    }
  }

  return {
    play(step) {
      play(step);
      process.feeds.tick();
    },
    check() {
      const { system, model } = process;
      const shardLabel = shards > 1 ? `${shard.index}/${shard.count}` : '';
      const expected = expectedOf(model, clocks.now(), { ...SURROUNDINGS, shard: shardLabel });
      return comparer.compare(system.text(clocks.now()), expected);
    },
  };
}
