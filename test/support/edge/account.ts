/**
 * The edge's account: what clients were answered against what is in the stream. After any fault the two
 * agree beacon by beacon, and the edge's own counters with both.
 */
import { DiscardPolicy, type JetStreamManager, type StoredMsg } from 'nats';
import { expect } from 'vitest';
import { createForwarders } from '../../../aggregator/ingest/forwarders.ts';
import { createIngest } from '../../../aggregator/ingest/ingest.ts';
import { createSessions } from '../../../aggregator/store/sessions.ts';
import { decodeBatch } from '../../../shared/batch.ts';
import { decodeForwarderCounters, type ForwarderCounters } from '../../../shared/forwarder-counters.ts';
import {
  parseEdgeSubject,
  parseForwarderSubject,
  SERVICE_TYPE,
  STREAM,
  STREAM_SUBJECTS,
  SUBJECT_ROOT,
} from '../../../shared/subjects.ts';
import { expose } from '../metrics/expose.ts';
import { parseScrape } from '../metrics/scrape.ts';
import { eventually } from '../poll.ts';
import { connectTo } from '../processes/nats-regions.ts';
import type { BeaconKey, EdgeClients } from './clients.ts';

type StreamLimits = { readonly max_msgs?: number };

/** Creates the stream as an aggregator does, but without max_age: nothing may leave it before it was counted. */
export function addStream(natsUrl: string, limits: StreamLimits = {}): Promise<void> {
  return manage(natsUrl, async ({ streams }) => {
    await streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS], discard: DiscardPolicy.New, ...limits });
  });
}

export function widenStream(natsUrl: string): Promise<void> {
  return manage(natsUrl, async ({ streams }) => {
    await streams.update(STREAM, { max_msgs: -1 });
  });
}

/** Messages with beacons; the Forwarders' counters are in the stream too. */
export async function countBatches({ streams }: JetStreamManager): Promise<number> {
  const { state } = await streams.info(STREAM, { subjects_filter: `${SUBJECT_ROOT}.*.${SERVICE_TYPE}.*` });
  return sum(Object.values(state.subjects ?? {}), (count) => count);
}

/** What the stream says. */
export type Account = {
  /** Every beacon in the order of the stream, repeats too. */
  readonly beacons: readonly BeaconKey[];
  /** The newest counters of each Forwarder start, in the order of their first message. */
  readonly forwarders: readonly ForwarderCounters[];
  /** Beacons that the batches' headers count as put into the stream. */
  readonly accepted: number;
  readonly messages: readonly StoredMsg[];
};

export function readAccount(natsUrl: string): Promise<Account> {
  return manage(natsUrl, async ({ streams }) => {
    const { state } = await streams.info(STREAM);
    const beacons: BeaconKey[] = [];
    const forwarders = new Map<string, ForwarderCounters>();
    const accepted = new Map<string, number>();
    const seqs = Array.from({ length: state.messages }, (_, index) => state.first_seq + index);
    const messages = await Promise.all(seqs.map((seq) => streams.getMessage(STREAM, { seq })));
    for (const { seq, subject, data } of messages) {
      if (parseForwarderSubject(subject)) {
        const counters = decodeForwarderCounters(data);
        if (!counters.ok) throw new Error(`message ${seq} is not counters: ${counters.detail}`);
        forwarders.set(`${subject} ${counters.value.epoch}`, counters.value);
        continue;
      }
      const batch = decodeBatch(data);
      if (!batch.ok || batch.value.invalid > 0) throw new Error(`message ${seq} is not a batch`);
      for (const { beacon } of batch.value.entries) beacons.push(`${beacon.session_id} ${beacon.seq}`);
      accepted.set(`${subject} ${batch.value.epoch}`, batch.value.accepted);
    }
    const starts = [...forwarders.values()];
    return { beacons, forwarders: starts, accepted: sum([...accepted.values()], (count) => count), messages };
  });
}

/**
 * Waits until every beacon that was answered 204 is in the stream, then balances the account:
 * 204s = distinct beacons in the stream (except those whose client got no answer), each once and in its
 * session's order; `accepted` summed over starts = beacons published; nothing spooled is left or dropped.
 */
export async function expectBalanced(natsUrl: string, clients: EdgeClients, deadlineMs = 20_000): Promise<Account> {
  const answers = [...clients.answers()];
  const accepted = answers.flatMap(([key, status]) => (status === 204 ? [key] : []));
  const account = await eventually(
    async () => {
      const seen = await readAccount(natsUrl);
      const stored = new Set(seen.beacons);
      const missing = accepted.filter((key) => !stored.has(key));
      if (missing.length > 0) throw new Error(`${missing.length} of ${accepted.length} accepted beacons are missing`);
      if (sum(seen.forwarders, ({ spooled }) => spooled) > sum(seen.forwarders, ({ drained }) => drained))
        return undefined;
      return seen;
    },
    { deadlineMs, intervalMs: 500 },
  );
  expect(new Set(account.beacons).size, 'stored twice').toBe(account.beacons.length);
  const unanswered = new Set(answers.flatMap(([key, status]) => (status === undefined ? [key] : [])));
  expect(account.beacons.filter((key) => !unanswered.has(key)).toSorted()).toEqual(
    accepted.filter((key) => !unanswered.has(key)).toSorted(),
  );
  expectSessionOrder(account.beacons);
  const { forwarders } = account;
  expect(account.accepted).toBe(account.beacons.length);
  expect(sum(forwarders, ({ drained }) => drained)).toBe(sum(forwarders, ({ spooled }) => spooled));
  expect(sum(forwarders, ({ droppedExpired }) => droppedExpired)).toBe(0);
  expect(sum(forwarders, ({ droppedFull, droppedUnpublishable }) => droppedFull + droppedUnpublishable)).toBe(0);
  expectMetricsBalanced(account);
  return account;
}

/**
 * The same account as an operator sees it: the /metrics of an aggregator that ran all the time, where accepted = applied +
 * duplicate + late + invalid + dropped, and beacons in spools are not counted yet.
 */
function expectMetricsBalanced({ messages, beacons }: Account): void {
  const metrics = parseScrape(metricsOf(messages));
  const edge = (outcome: string) => metrics.sum('edgepulse_edge_beacons_total', { outcome });
  expect(edge('accepted')).toBe(beacons.length);
  expect(metrics.sum('edgepulse_beacons_total') + edge('dropped')).toBe(beacons.length);
  expect(metrics.sum('edgepulse_beacons_total', { outcome: 'applied' })).toBe(beacons.length);
  expect(metrics.sum('edgepulse_edge_spool_beacons')).toBe(0);
}

/** The aggregator's ingest and exposition without its feed, since a process that starts now would count nothing of the past. */
function metricsOf(messages: readonly StoredMsg[]): string {
  const subjects = messages.map(({ subject }) => parseEdgeSubject(subject) ?? parseForwarderSubject(subject));
  const regions = [...new Set(subjects.flatMap((subject) => subject?.region ?? []))];
  const ttlSeconds = 600;
  const sessions = createSessions({ regions, servers: [], ttlSeconds, maxSessions: 10_000, maxSessionSeries: 10_000 });
  const forwarders = createForwarders({
    regions,
    shard: { index: 0, count: 1 },
    topology: '',
    totalsOf: (region) => sessions.totals(region).edge,
    onTopology() {},
  });
  const ingest = createIngest(sessions, forwarders);
  for (const { subject, data, timestamp } of messages) {
    const storedAtMs = Date.parse(timestamp);
    ingest(subject, data, { storedAtMs, nowMs: storedAtMs });
  }
  const collect = new Set(['process'] as const);
  return [...expose(sessions, { nowMs: Date.now(), collect, openMetrics: false })].join('');
}

function expectSessionOrder(beacons: readonly BeaconKey[]): void {
  const newest = new Map<string, number>();
  for (const key of beacons) {
    const [session = '', seq] = key.split(' ');
    expect(Number(seq), `${key} after ${newest.get(session)}`).toBeGreaterThan(newest.get(session) ?? -1);
    newest.set(session, Number(seq));
  }
}

export function sum<T>(items: readonly T[], numberOf: (item: T) => number): number {
  return items.reduce((total, item) => total + numberOf(item), 0);
}

async function manage<T>(natsUrl: string, work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  const nats = await connectTo(natsUrl);
  try {
    return await work(await nats.jetstreamManager());
  } finally {
    await nats.close();
  }
}
