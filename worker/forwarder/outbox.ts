/**
 * One lane's way out: which batch is published next, and which goes to the spool instead. One publish is
 * in flight at a time, and while the spool holds anything, everything goes behind it; so a lane's beacons
 * enter the stream in the order in which they were accepted.
 * Sockets, timers, the alarm and the clock are the Forwarder's.
 */
import { type EdgeCounters, encodeEnvelope } from '../../shared/envelope.ts';
import { edgeSubject } from '../../shared/subjects.ts';
import type { ForwardAnswer, ForwardBatch } from '../forward/call.ts';
import type { Log } from '../log.ts';
import type { Link } from './connection.ts';
import type { Numbered, Numbering } from './numbering.ts';
import { type Batch, type BatchQueue, splitEntries } from './queue.ts';
import type { Spool, Spoolable, SpooledBatch, Told } from './spool.ts';
import type { Tally } from './tally.ts';

/** From a beacon's arrival to its acknowledgement; after that it is spooled. */
const ACK_MS = 2_000;
/** With less than this left, a batch is spooled without a try. */
const ACK_LEAST_MS = 100;

export type OutboxParts = {
  readonly region: string;
  readonly lane: string;
  readonly queue: BatchQueue;
  readonly spool: Spool;
  readonly tally: Tally;
  readonly numbering: Numbering;
  readonly link: Pick<Link, 'isUp' | 'open' | 'publish'>;
  readonly log: Log;
  /** The wall clock, ms since the epoch. */
  now(): number;
  /** Asks for a {@link Outbox.pump} in about a second, also when this object is gone by then. */
  retrySoon(): void;
  /** Asks for a {@link Outbox.report} in about a second. */
  reportSoon(): void;
};

export type Outbox = {
  /** Resolves `ok` once every entry is safe; takes about 2 s at most. */
  submit(batch: ForwardBatch): Promise<ForwardAnswer>;
  /** Publishes what there is until nothing is left, or the link or the broker refuses. Never rejects. */
  pump(): Promise<void>;
  /** Publishes the counters alone when no stored envelope has told them as they are. Never rejects. */
  report(): Promise<void>;
};

/** What is published next: a batch fresh from its callers, the oldest of the spool, or counters alone. */
type Next = { readonly name: Numbered; readonly entries: readonly string[]; readonly beacons: number } & (
  | { readonly from: 'queue'; readonly batch: Batch }
  | { readonly from: 'spool'; readonly batch: SpooledBatch }
  | { readonly from: 'report' }
);

export function createOutbox(parts: OutboxParts): Outbox {
  const { region, lane, queue, spool, tally, numbering, link, log, now, retrySoon, reportSoon } = parts;
  const subject = edgeSubject(region, lane);
  const inherits = spool.counts().beacons > 0;
  let reportDue = false;
  let pumping = false;
  let pumped = Promise.resolve();
  let failing = false;

  async function submit({ entries, refused, jwksErrors }: ForwardBatch): Promise<ForwardAnswer> {
    tally.refuse(refused, jwksErrors);
    if (entries.length === 0) planReport();
    const answers = await Promise.all(splitEntries(entries).map(submitPart));
    return answers.find((answer) => !answer.ok) ?? { ok: true };
  }

  function submitPart(entries: readonly string[]): ForwardAnswer | Promise<ForwardAnswer> {
    if (spool.counts().beacons > 0) return keep({ entries, receivedAtMs: now() });
    const answer = queue.add(entries, now());
    void pump();
    return answer;
  }

  function pump(): Promise<void> {
    if (!pumping) {
      pumping = true;
      pumped = run();
    }
    return pumped;
  }

  async function run(): Promise<void> {
    try {
      spool.expire(now());
      if (!link.isUp()) await link.open();
      while (link.isUp() && (await publishNext()));
    } catch (error) {
      log.error('spool failed', { region, lane, error });
    } finally {
      // From here on nobody looks at the queue until the next pump: what is in it must be answered.
      keepWaiting();
      pumping = false;
    }
    if (spool.counts().beacons > 0) retrySoon();
    else if (link.isUp()) planReport();
  }

  /** @returns whether to go on @throws when storage fails */
  async function publishNext(): Promise<boolean> {
    const startedAtMs = now();
    const next = chooseNext();
    if (!next) return false;
    const leftMs = next.from === 'queue' ? next.batch.receivedAtMs + ACK_MS - startedAtMs : ACK_MS;
    if (leftMs < ACK_LEAST_MS) return giveBack(next, 'untried');
    const outgoing = { batch: next.name.number, beacons: next.beacons, spooled: next.from === 'spool' };
    const edge = tally.stamp(outgoing, spool.counts());
    const text = encodeEnvelope({ region, lane, edge }, next.entries);
    const ack = await link.publish({ subject, id: next.name.id, text }, leftMs);
    if (!ack.ok) {
      tally.fail();
      if (!failing) log.warn('publish failed', { region, lane, error: ack.error });
      failing = true;
      return giveBack(next, ack.refused ? 'refused' : 'unknown');
    }
    if (failing) log.info('publishing again', { region, lane });
    failing = false;
    const outcome = numbering.read(next.name.id, ack);
    const told = outcome === 'stored' ? toldBy(edge) : spool.counts().told;
    if (next.from === 'spool') spool.remove(next.batch, told);
    tally.settle(outgoing, outcome, Math.max(0, now() - startedAtMs) / 1_000);
    if (next.from === 'queue') next.batch.answer({ ok: true });
    if (next.from !== 'spool') spool.tell(told);
    return true;
  }

  function chooseNext(): Next | undefined {
    const { beacons } = spool.counts();
    // What an earlier epoch left is only told apart from this one's by a place in the stream of our own.
    if (beacons > 0 && inherits && !numbering.hasBegun()) return counters();
    const oldest = beacons > 0 ? spool.hold(numbering.upcoming(), now()) : undefined;
    if (oldest) {
      const { id, entries, beacons } = oldest;
      return { from: 'spool', batch: oldest, name: numbering.again(id), entries, beacons };
    }
    const batch = queue.take();
    if (batch) {
      const { entries } = batch;
      return { from: 'queue', batch, name: numbering.fresh(), entries, beacons: entries.length };
    }
    const due = reportDue && tally.isBehind(spool.counts());
    reportDue = false;
    return due ? counters() : undefined;
  }

  function counters(): Next {
    return { from: 'report', name: numbering.fresh(), entries: [], beacons: 0 };
  }

  /** Makes what was not acknowledged safe. @returns false: the pump stops here */
  function giveBack(next: Next, fate: 'untried' | 'refused' | 'unknown'): false {
    if (fate !== 'unknown') numbering.takeBack(next.name);
    if (next.from === 'spool') spool.release();
    if (next.from === 'queue') {
      const { entries, receivedAtMs } = next.batch;
      next.batch.answer(keep({ entries, receivedAtMs, id: fate === 'untried' ? undefined : next.name.id }));
    }
    return false;
  }

  function keepWaiting(): void {
    for (let batch = queue.take(); batch; batch = queue.take()) batch.answer(keep(batch));
  }

  function keep({ entries, receivedAtMs, id }: Spoolable): ForwardAnswer {
    try {
      if (!spool.put({ entries, receivedAtMs, id }, now())) return { ok: false, reason: 'spool_full' };
      retrySoon();
      return { ok: true };
    } catch (error) {
      log.error('spool write failed', { region, lane, error });
      return { ok: false, reason: 'storage_failed' };
    }
  }

  function planReport(): void {
    if (tally.isBehind(spool.counts())) reportSoon();
  }

  function report(): Promise<void> {
    reportDue = true;
    return pump();
  }

  return { submit, pump, report };
}

function toldBy({ spooled, dropped }: EdgeCounters): Told {
  return { spooled, expired: dropped.expired ?? 0, full: dropped.full ?? 0 };
}
