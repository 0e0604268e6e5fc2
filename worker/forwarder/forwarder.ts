/**
 * The Durable Object of one region and lane: gives the outbox its storage, socket, clock, timer and
 * alarm. Cloudflare starts it where the location hint says, keeps its storage, and may evict it at any time.
 */
import { DurableObject } from 'cloudflare:workers';
import { type Config, parseConfig } from '../config.ts';
import { type ForwardAnswer, type ForwardBatch, type ForwardPort, parseForwarderName } from '../forward/call.ts';
import { log } from '../log.ts';
import { createLink } from './connection.ts';
import { createNumbering } from './numbering.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { createBatchQueue } from './queue.ts';
import { openSpool } from './spool.ts';
import { createTally } from './tally.ts';

const RETRY_MS = 1_000;
const REPORT_MS = 1_000;

export class Forwarder extends DurableObject<Env> implements ForwardPort {
  readonly #outbox: Outbox;
  #alarmSet = false;
  #reportTimer: ReturnType<typeof setTimeout> | undefined;

  /** @throws when the object's name is not that of a configured region and a lane, or when storage fails */
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const epoch = crypto.randomUUID();
    const spool = openSpool(ctx.storage);
    const { region, lane, servers, creds } = placeOf(ctx.id.name, parseConfig({ ...env }));
    const link = createLink({
      servers,
      creds,
      name: `edgepulse ${region} ${lane}`,
      onUp: () => void this.#outbox.pump(),
    });
    this.#outbox = createOutbox({
      region,
      lane,
      queue: createBatchQueue(),
      spool,
      tally: createTally(epoch),
      numbering: createNumbering(epoch),
      link,
      log,
      now: () => Date.now(),
      retrySoon: () => this.#retrySoon(),
      reportSoon: () => this.#reportSoon(),
    });
    const { beacons, spooled, expired, full } = spool.counts();
    if (beacons + spooled + expired + full > 0) void this.#outbox.pump();
  }

  /** See {@link Outbox.submit}. The answer leaves only after what was written to storage is durable. */
  forward(batch: ForwardBatch): Promise<ForwardAnswer> {
    return this.#outbox.submit(batch);
  }

  override async alarm(): Promise<void> {
    this.#alarmSet = false;
    await this.#outbox.pump();
  }

  #retrySoon(): void {
    if (this.#alarmSet) return;
    this.#alarmSet = true;
    this.ctx.storage.setAlarm(Date.now() + RETRY_MS).catch((error) => {
      this.#alarmSet = false;
      log.error('alarm not set', { error });
    });
  }

  #reportSoon(): void {
    this.#reportTimer ??= setTimeout(() => {
      this.#reportTimer = undefined;
      void this.#outbox.report();
    }, REPORT_MS);
  }
}

type ForwarderPlace = {
  readonly region: string;
  readonly lane: string;
  readonly servers: readonly string[];
  readonly creds: string | undefined;
};

/** @throws when the name is not that of a configured region and a lane */
export function placeOf(name: string | undefined, { regions, natsServers, natsCreds }: Config): ForwarderPlace {
  const place = parseForwarderName(name);
  const region = regions.find((candidate) => candidate.name === place?.region);
  if (!place || !region) throw new Error(`no forwarder of a configured region and lane: ${name}`);
  return { ...place, servers: region.nats.length > 0 ? region.nats : natsServers, creds: natsCreds };
}
