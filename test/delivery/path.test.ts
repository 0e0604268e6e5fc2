/** The whole path with real parts: what is posted is visible, and gone when it should be. */
import { connect } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeEntry, joinBatch } from '../../shared/batch.ts';
import { edgeSubject } from '../../shared/subjects.ts';
import { validBeacon, validEntry } from '../support/edge/beacon.ts';
import type { Scrape } from '../support/metrics/scrape.ts';
import { eventually } from '../support/poll.ts';
import { postBeacon, type System, startSystem } from '../support/processes/system.ts';

const TTL_MS = 3_000;
/** The reaper's promise is 1 s; half a second is for the way. */
const REAPED_BY_MS = TTL_MS + 1_500;

let system: System;
beforeAll(async () => {
  system = await startSystem({ ttlSeconds: TTL_MS / 1000 });
});
afterAll(() => system?.stop());

type Post = { readonly meeting?: string; readonly seq?: number; readonly region?: string; readonly leaving?: true };

/** Posts one beacon of the session, and expects it to be accepted. Returns the clock before and after. */
async function post(session: string, { meeting = 'm-1', seq = 0, region, leaving }: Post = {}) {
  const beacon = validBeacon({ meeting_id: meeting, session_id: session, participant_id: session, seq });
  const fromMs = Date.now();
  const answer = await postBeacon(
    system.worker,
    leaving ? { ...beacon, leaving } : beacon,
    region === undefined ? {} : { region },
  );
  expect(answer.status).toBe(204);
  expect(await answer.text()).toBe('');
  return { fromMs, toMs: Date.now() };
}

function rttOf(scrape: Scrape, session: string): number | undefined {
  return scrape.value('edgepulse_session_rtt_seconds', { session_id: session });
}

/** The first scrape that shows the session, or, with `not`, that does not. */
function untilVisible(session: string): Promise<Scrape> {
  return eventually(async () => {
    const scrape = await system.aggregator.metrics();
    return rttOf(scrape, session) === undefined ? undefined : scrape;
  });
}

function untilGone(session: string): Promise<Scrape> {
  return eventually(async () => {
    const scrape = await system.aggregator.metrics();
    return rttOf(scrape, session) === undefined ? scrape : undefined;
  });
}

/** Lets the clock reach a moment, and nothing else happen. */
function untilClock(atMs: number): Promise<unknown> {
  return eventually(() => Date.now() >= atMs, { deadlineMs: atMs - Date.now() + 1_000 });
}

describe('a beacon', () => {
  it.each(['us-east', 'eu-west', 'sa'])('is visible in its region: %s', async (region) => {
    const session = `seen-${region}`;
    await post(session, { meeting: `meeting-${region}`, region });
    const metrics = await untilVisible(session);
    const server = { server_url: 'https://media-apac-1.example.com', server_type: 'webtransport' };
    expect(metrics.all('edgepulse_session_rtt_seconds', { session_id: session })).toEqual([
      {
        name: 'edgepulse_session_rtt_seconds',
        labels: { region, meeting_id: `meeting-${region}`, session_id: session, ...server },
        value: 0.079,
      },
    ]);
    expect(metrics.value('edgepulse_sessions', { region, ...server })).toBe(1);
    expect(metrics.value('edgepulse_peer_connections', { region, ...server })).toBe(1);
    expect(metrics.value('edgepulse_meetings', { region })).toBe(1);
    expect(metrics.value('edgepulse_participants', { region })).toBe(1);
    expect(metrics.value('edgepulse_rtt_seconds_count', { region, ...server })).toBe(2);
    expect(metrics.value('edgepulse_edge_beacons_total', { region, outcome: 'accepted' })).toBe(1);
    expect(metrics.value('edgepulse_beacons_total', { region, outcome: 'applied' })).toBe(1);
  });

  it('of a server that is not configured is counted under other', async () => {
    const beacon = validBeacon({
      session_id: 'elsewhere',
      server: { url: 'https://evil.example.com/a?token=secret', type: 'webrtc' },
    });
    expect((await postBeacon(system.worker, beacon)).status).toBe(204);
    const metrics = await untilVisible('elsewhere');
    const [sample] = metrics.all('edgepulse_session_rtt_seconds', { session_id: 'elsewhere' });
    expect(sample?.labels.server_url).toBe('other');
    expect(metrics.samples.filter(({ labels }) => Object.values(labels).some((it) => /evil|secret/.test(it)))).toEqual(
      [],
    );
  });
});

describe('a session that goes quiet', () => {
  it('stays for its TTL and is gone within 1.5 s after it', async () => {
    const { fromMs, toMs } = await post('quiet');
    await untilVisible('quiet');
    await untilGone('quiet');
    const goneMs = Date.now();
    expect(goneMs - fromMs).toBeGreaterThanOrEqual(TTL_MS);
    expect(goneMs - toMs).toBeLessThanOrEqual(REAPED_BY_MS);
  });

  it('is gone with nobody scraping in between, and lives on while it beats', async () => {
    const stale = async () =>
      (await system.aggregator.metrics()).sum('edgepulse_sessions_reaped_total', { region: 'oc', reason: 'stale' });
    const before = await stale();
    const { toMs } = await post('unseen', { meeting: 'm-oc', region: 'oc' });
    await post('beating', { meeting: 'm-oc', region: 'oc' });
    await untilClock(toMs + TTL_MS / 2);
    await post('beating', { meeting: 'm-oc', region: 'oc', seq: 1 });
    await untilClock(toMs + REAPED_BY_MS);
    // The first look since the post.
    const metrics = await system.aggregator.metrics();
    expect(rttOf(metrics, 'unseen')).toBeUndefined();
    expect(rttOf(metrics, 'beating')).toBe(0.079);
    expect(metrics.sum('edgepulse_sessions', { region: 'oc' })).toBe(1);
    expect(await stale()).toBe(before + 1);
  });
});

describe('a session that leaves', () => {
  it('is gone at once, and everything that it contributed with it', async () => {
    await post('leaver', { meeting: 'm-leaver', region: 'us-west' });
    await untilVisible('leaver');
    const { toMs } = await post('leaver', { meeting: 'm-leaver', region: 'us-west', seq: 1, leaving: true });
    const metrics = await untilGone('leaver');
    expect(Date.now() - toMs).toBeLessThan(TTL_MS / 2);
    expect(metrics.value('edgepulse_sessions_reaped_total', { region: 'us-west', reason: 'left' })).toBe(1);
    expect(metrics.sum('edgepulse_sessions', { region: 'us-west' })).toBe(0);
    expect(metrics.sum('edgepulse_peer_connections', { region: 'us-west' })).toBe(0);
    expect(metrics.sum('edgepulse_live_rtt_seconds_count', { region: 'us-west' })).toBe(0);
    expect(metrics.sum('edgepulse_meetings', { region: 'us-west' })).toBe(0);
    expect(metrics.sum('edgepulse_participants', { region: 'us-west' })).toBe(0);
    expect(metrics.all('edgepulse_peer_concealment_ratio', { session_id: 'leaver' })).toEqual([]);
    // What is cumulative stays.
    expect(metrics.sum('edgepulse_rtt_seconds_count', { region: 'us-west' })).toBeGreaterThan(0);
  });
});

describe('beacons that repeat or overtake each other', () => {
  it('change no counter wrongly', async () => {
    const counted = async () => {
      const metrics = await system.aggregator.metrics();
      const of = (outcome: string) => metrics.sum('edgepulse_beacons_total', { region: 'apac', outcome });
      return {
        applied: of('applied'),
        duplicate: of('duplicate'),
        lost: metrics.sum('edgepulse_beacons_lost_total', { region: 'apac' }),
        rtt: metrics.sum('edgepulse_rtt_seconds_count', { region: 'apac' }),
        samples: metrics.sum('edgepulse_audio_samples_total', { region: 'apac' }),
      };
    };
    const before = await counted();
    for (const seq of [0, 1, 3, 3, 2, 1]) {
      const [peer] = validBeacon().peers;
      // Half a second each: at once, no more is plausible than a TTL has.
      const audio = { totalSamplesReceived: 24_000 * (seq + 1), concealedSamples: 100 * (seq + 1) };
      const beacon = validBeacon({ session_id: 'jumbled', seq, peers: peer ? [{ ...peer, audio }] : [] });
      expect((await postBeacon(system.worker, beacon)).status).toBe(204);
    }
    const after = await eventually(async () => {
      const now = await counted();
      return now.applied + now.duplicate === before.applied + before.duplicate + 6 ? now : undefined;
    });
    expect(after.duplicate - before.duplicate).toBe(2);
    expect(after.applied - before.applied).toBe(4);
    // 2 came late, and so it is not lost.
    expect(after.lost).toBe(before.lost);
    expect(after.rtt - before.rtt).toBe(4 * 2);
    // From the first to the newest counter, each sample once.
    expect(after.samples - before.samples).toBe(24_000 * 3);
  });
});

const HEADER = { slot: 0, epoch: 'epoch-of-a-stranger', accepted: 2, sentAtMs: 0 };

describe('a message that no Forwarder of ours wrote', () => {
  it.each([
    ['JSON', new TextEncoder().encode('{"v":1}'), 1],
    ['nothing', new Uint8Array(0), 1],
    ['entries that are no beacons', joinBatch(HEADER, [Uint8Array.of(0x2a, 0), Uint8Array.of(0x2a, 2, 0x08, 7)]), 2],
    [
      'a message that was cut off',
      joinBatch({ ...HEADER, epoch: 'epoch-of-another' }, [encodeEntry(validEntry()).slice(0, -1)]),
      1,
    ],
  ])('is counted as invalid and skipped: %s', async (what, data, count) => {
    const session = `after-${what.replaceAll(' ', '-')}`;
    const invalid = async () =>
      (await system.aggregator.metrics()).sum('edgepulse_beacons_total', { region: 'apac', outcome: 'invalid' });
    const before = await invalid();
    const nats = await connect({ servers: system.nats.url, reconnect: false });
    await nats.jetstream().publish(edgeSubject('apac', 'f00'), data);
    await nats.close();
    await eventually(async () => (await invalid()) === before + count);
    await post(session);
    await untilVisible(session);
  });
});
