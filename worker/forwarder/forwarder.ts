/**
 * The Durable Object of one region and slot: wires the outbox to storage, NATS, the clock, timers and the alarm.
 * Cloudflare starts it where the location hint says, keeps its storage, and may evict it at any time.
 */
import { DurableObject } from 'cloudflare:workers';
import { type Config, parseConfig } from '../config.ts';
import {
  type CanaryAnswer,
  type CanaryCall,
  type CanaryPort,
  type ForwardAnswer,
  type ForwardCall,
  type ForwarderPlace,
  type ForwardPort,
  parseForwarderName,
} from '../forward/call.ts';
import { within } from '../forward/deadline.ts';
import { log } from '../log.ts';
import { type NatsAccess, natsAccess } from '../nats-access.ts';
import { type Canaries, createCanaries } from './canaries.ts';
import { createConnection } from './connection/connection.ts';
import { openLastServers } from './connection/last-servers.ts';
import { type Candidate, createRoutedConnection } from './connection/routed-connection.ts';
import { createCounters } from './counters.ts';
import { createCountersPublisher } from './counters-publisher.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { openSpool } from './spool.ts';
import { createWatch } from './watch.ts';

const RETRY_MS = 1_000;
/** The longest that an alarm waits for its pump, which continues after it. */
const ALARM_MS = 5_000;

export class Forwarder extends DurableObject<Env> implements ForwardPort, CanaryPort {
  readonly #outbox: Outbox;
  readonly #canaries: Canaries;
  #alarmSet = false;

  /** @throws when the object's name is not that of a region and a slot, or when storage fails */
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const place = parseForwarderName(ctx.id.name);
    if (!place) throw new Error(`not the name of a forwarder: ${ctx.id.name}`);
    const now = () => Date.now();
    const newId = () => crypto.randomUUID();
    const spool = openSpool(ctx.storage);
    const connection = createRoutedConnection({
      candidates: candidatesOf(place, parseConfig({ ...env }), ctx.storage),
      slot: place.slot,
      probe: () => countersPublisher.probe(),
      log,
      now,
      onUp: () => {
        countersPublisher.connected();
        void this.#outbox.pump();
      },
    });
    const counters = createCounters({
      slot: place.slot,
      epoch: newId(),
      spoolCounts: spool.counts,
      via: () => (connection.via() === place.region ? '' : connection.via()),
    });
    const countersPublisher = createCountersPublisher({ place, counters, spool, connection, now, newId });
    const watch = createWatch({
      place,
      snapshot: () => counters.snapshot(now()),
      isConnected: connection.isUp,
      via: connection.via,
      dataset: env.FORWARDER_POINTS,
      log,
      now,
    });
    this.#outbox = createOutbox({
      ...place,
      spool,
      counters,
      connection,
      log,
      now,
      newId,
      retrySoon: () => this.#retrySoon(),
      onChange: () => {
        countersPublisher.changed();
        watch.observe();
      },
    });
    this.#canaries = createCanaries({
      place,
      connection,
      now,
      newId,
      onTopology(topology) {
        counters.setTopology(topology);
        countersPublisher.changed();
      },
    });
    // Drains what an earlier start left, unreported counts included, without waiting for a call.
    void this.#outbox.pump();
  }

  /** See {@link Outbox.submit}. The answer leaves only after what was written to storage is durable. */
  forward(call: ForwardCall): Promise<ForwardAnswer> {
    return this.#outbox.submit(call);
  }

  /** See {@link Canaries.publish}. */
  canary(call: CanaryCall): Promise<CanaryAnswer> {
    return this.#canaries.publish(call);
  }

  override async alarm(): Promise<void> {
    this.#alarmSet = false;
    await within(this.#outbox.pump(), ALARM_MS, undefined);
  }

  #retrySoon(): void {
    if (this.#alarmSet) return;
    this.#alarmSet = true;
    this.ctx.storage.setAlarm(Date.now() + RETRY_MS).catch((error) => {
      this.#alarmSet = false;
      log.error('cannot set the retry alarm; the spool drains with the next call', { error });
    });
  }
}

/** The NATS of the region, then that of its fallbacks in order. A user of the region's own is known to all of them. */
function candidatesOf(
  place: ForwarderPlace,
  config: Config,
  storage: DurableObjectStorage,
): [Candidate, ...Candidate[]] {
  const { region, slot } = place;
  const home = accessOf(place, config, storage);
  const candidate = (via: string, servers: readonly string[]): Candidate => ({
    region: via,
    connect: (onUp) =>
      createConnection({
        servers,
        credentials: home.credentials,
        name: `edgepulse ${region} ${slot}${via === region ? '' : ` through ${via}`}`,
        inboxPrefix: `_INBOX.edge.${region}`,
        onUp,
      }),
  });
  const fallbacks = config.regions.find(({ name }) => name === region)?.fallback ?? [];
  const others = fallbacks.flatMap((name) => config.regions.find((other) => other.name === name) ?? []);
  return [
    candidate(region, home.servers),
    ...others.map(({ name, nats }) => candidate(name, natsAccess(name, nats, {}).servers)),
  ];
}

/** The region's NATS servers and credentials. A region that was removed from REGIONS keeps its last known servers. */
export function accessOf({ region, slot }: ForwarderPlace, config: Config, storage: DurableObjectStorage): NatsAccess {
  const lastServers = openLastServers(storage);
  const configured = config.regions.find(({ name }) => name === region);
  if (configured) {
    const urls = configured.nats.length > 0 ? configured.nats : config.natsServers;
    const access = natsAccess(region, urls, config.natsCreds);
    lastServers.save(access.servers);
    return access;
  }
  const servers = lastServers.list();
  log.error('region is no longer in REGIONS; draining its spool through the last known NATS servers', {
    region,
    slot,
    servers: servers.length,
  });
  return natsAccess(region, servers, config.natsCreds);
}
