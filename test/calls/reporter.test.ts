/** The reporter as it is published, in real calls in a real Chromium, posting to the running system. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Server } from '../../client/reporter.ts';
import {
  askedOf,
  connectCall,
  flush,
  openReporting,
  pushRtt,
  type Reporting,
  sentAtMs,
  setMicrophone,
  setServer,
  startMisused,
  stopReporting,
} from '../support/pages/reporting-page.ts';
import { eventually } from '../support/poll.ts';
import { type Chromium, type PageServer, startChromium, startPageServer } from '../support/processes/chromium.ts';
import { type System, startSystem } from '../support/processes/system.ts';

const TTL_SECONDS = 12;
const SERVER: Server = { url: 'https://media-apac-1.example.com', type: 'webrtc' };

let pages: PageServer;
let system: System;
let chromium: Chromium;
beforeAll(async () => {
  pages = await startPageServer();
  system = await startSystem({ ttlSeconds: TTL_SECONDS, workerVars: { ALLOWED_ORIGINS: pages.origin } });
  chromium = await startChromium();
});
afterAll(async () => {
  await chromium?.stop();
  await system?.stop();
  await pages?.stop();
});

function open(session: string, more: { tokenSeconds?: number } = {}): Promise<Reporting> {
  return openReporting({ chromium, origin: pages.origin, endpoint: system.worker.url, session, ...more });
}

async function openCall(name: string, server?: Server): Promise<[Reporting, Reporting]> {
  const [ana, bo] = await Promise.all([open(`${name}-ana`), open(`${name}-bo`)]);
  if (server) await Promise.all([ana, bo].map((each) => setServer(each, server)));
  await connectCall(ana, bo);
  return [ana, bo];
}

/** The value of the one series with these labels; undefined if there is none. */
async function seriesOf(family: string, labels: Record<string, string>): Promise<number | undefined> {
  return (await system.aggregator.metrics()).value(family, labels);
}

async function sumOf(family: string, labels: Record<string, string> = {}): Promise<number> {
  return (await system.aggregator.metrics()).all(family, labels).reduce((sum, { value }) => sum + value, 0);
}

function rttOf(session: string): Promise<number | undefined> {
  return seriesOf('edgepulse_session_rtt_seconds', { session_id: session });
}

const appears = (session: string) => eventually(() => rttOf(session), { deadlineMs: 20_000 });
const isGone = (session: string, deadlineMs: number) =>
  eventually(async () => (await rttOf(session)) === undefined, { deadlineMs });

describe('a call of two', () => {
  it('shows its RTT, buffers and concealment, by who hears whom', async () => {
    const [ana, bo] = await openCall('figures', SERVER);
    const rtt = await eventually(() =>
      seriesOf('edgepulse_session_rtt_seconds', {
        session_id: ana.session,
        server_url: SERVER.url,
        server_type: SERVER.type,
      }),
    );
    expect(rtt).toBeLessThan(0.2);
    for (const [session_id, peer_id] of [
      [ana.session, bo.session],
      [bo.session, ana.session],
    ] as const) {
      const buffer = await eventually(() => seriesOf('edgepulse_peer_neteq_buffer_seconds', { session_id, peer_id }));
      expect(buffer).toBeGreaterThan(0);
      expect(buffer).toBeLessThan(1);
      await eventually(() => seriesOf('edgepulse_peer_concealment_ratio', { session_id, peer_id }));
    }
    for (const of of [
      'audio_packet_loss_ratio',
      'video_packet_loss_ratio',
      'video_freeze_ratio',
      'video_frames_per_second',
    ]) {
      await eventually(async () => (await sumOf(`edgepulse_live_${of}_count`, { server_url: SERVER.url })) === 2);
    }
    expect(await sumOf('edgepulse_live_audio_packet_loss_ratio_sum', { server_url: SERVER.url })).toBeLessThan(0.1);
    await eventually(
      async () => (await sumOf('edgepulse_live_video_frames_per_second_sum', { server_url: SERVER.url })) > 10,
    );
    const joins = { server_type: SERVER.type, result: 'ok' };
    await eventually(async () => (await sumOf('edgepulse_joins_total', joins)) === 2, { deadlineMs: 20_000 });
    const [beacon] = (await ana.sent()).slice(-1);
    expect(beacon).toMatchObject({
      client: { platform: 'web', engine: 'chromium' },
      state: { visible: true, audio_sending: true, video_sending: true },
      path: { candidate_type: 'host', protocol: 'udp' },
      connection: { failures: 0, ice_restarts: 0 },
      peers: [{ peer_id: bo.session, video: { framesDecoded: expect.any(Number) } }],
    });
    expect([ana.errors(), bo.errors()]).toEqual([[], []]);
  });

  it('reports once how joining went', async () => {
    const [ana] = await openCall('joining');
    const joins = await eventually(async () => {
      const said = (await ana.sent()).filter((beacon) => beacon.join);
      return said.length > 0 && said;
    });
    expect(joins[0]?.join).toEqual({
      result: 'ok',
      seconds: expect.any(Number),
      first_audio_seconds: expect.any(Number),
      first_video_seconds: expect.any(Number),
    });
    const count = (await ana.sent()).length;
    await eventually(async () => (await ana.sent()).length > count + 1, { deadlineMs: 20_000 });
    expect((await ana.sent()).filter(({ join }) => join)).toHaveLength(1);
  });

  it('shows no loss and no concealment of somebody who is muted', async () => {
    const [ana, bo] = await openCall('muted');
    await appears(bo.session);
    await setMicrophone(ana, false);
    await eventually(async () => (await ana.sent()).at(-1)?.state?.audio_sending === false, { deadlineMs: 20_000 });
    const audioOf = async () => (await bo.sent()).at(-1)?.peers[0]?.audio;
    const before = await audioOf();
    const after = await eventually(
      async () => {
        const now = await audioOf();
        return (now?.totalSamplesReceived ?? 0) - (before?.totalSamplesReceived ?? 0) > 200_000 && now;
      },
      { deadlineMs: 30_000 },
    );
    expect((after?.packetsLost ?? 0) - (before?.packetsLost ?? 0)).toBe(0);
    const concealment = await seriesOf('edgepulse_peer_concealment_ratio', {
      session_id: bo.session,
      peer_id: ana.session,
    });
    expect(concealment).toBeLessThan(0.02);
  });
});

describe('a session ends', () => {
  it('at once when its tab is closed', async () => {
    const [ana, bo] = await openCall('closed');
    await Promise.all([ana, bo].map(({ session }) => appears(session)));
    await ana.page.close({ runBeforeUnload: false });
    await isGone(ana.session, TTL_SECONDS * 500);
    expect(await rttOf(bo.session)).toBeDefined();
  });

  it('at once when the reporter is stopped, which leaves nothing in the page', async () => {
    const [ana] = await openCall('stopped');
    await appears(ana.session);
    await stopReporting(ana);
    await isGone(ana.session, TTL_SECONDS * 500);
    const count = (await ana.sent()).length;
    expect((await ana.sent())[count - 1]).toMatchObject({ leaving: true });
    const cdp = await ana.page.context().newCDPSession(ana.page);
    // The page's own listener.
    await ana.page.evaluate('connections[0].ontrack = null');
    for (const expression of ['window', 'document', 'connections[0]', 'connections[0].getReceivers()[0].track']) {
      const { result } = await cdp.send('Runtime.evaluate', { expression });
      const { listeners } = await cdp.send('DOMDebugger.getEventListeners', { objectId: result.objectId as string });
      expect(
        listeners.map(({ type }) => type),
        expression,
      ).toEqual([]);
    }
  });

  it('a TTL after its tab was killed', async () => {
    const [ana] = await openCall('killed');
    await appears(ana.session);
    const cdp = await ana.page.context().newCDPSession(ana.page);
    await Promise.race([cdp.send('Page.crash').catch(() => {}), ana.page.waitForEvent('crash')]);
    const stale = await sumOf('edgepulse_sessions_reaped_total', { reason: 'stale' });
    await isGone(ana.session, TTL_SECONDS * 2_000);
    expect(await sumOf('edgepulse_sessions_reaped_total', { reason: 'stale' })).toBeGreaterThan(stale);
  });
});

describe('a call that gets worse', () => {
  it('is reported within a second or two, while one that is well is reported every quarter of the TTL', async () => {
    const ana = await open('worse');
    await pushRtt(ana, 0.05);
    await appears(ana.session);
    const calm = (await ana.sent()).length;
    const began = performance.now();
    await eventually(async () => (await ana.sent()).length >= calm + 3, { deadlineMs: 30_000 });
    // The shortest interval is a fifth less than a quarter of the TTL, and the reporter looks once a second.
    expect(performance.now() - began).toBeGreaterThan(TTL_SECONDS * 250 * 0.8 * 2);
    const worseAtMs = await pushRtt(ana, 0.4);
    const sent = await eventually(() => sentAtMs(ana, 0.4));
    expect(sent - worseAtMs).toBeLessThan(2_000);
    await eventually(async () => (await rttOf(ana.session)) === 0.4);
  });
});

describe('a token that expires during the call', () => {
  it('is refreshed once, and the session goes on', async () => {
    // The worker accepts a token for 30 s after it expired.
    const ana = await open('expiring', { tokenSeconds: -26 });
    await pushRtt(ana, 0.05);
    await appears(ana.session);
    await eventually(() => ana.refreshes() === 1, { deadlineMs: 20_000 });
    const count = (await ana.sent()).length;
    await eventually(async () => (await ana.sent()).length > count + 1, { deadlineMs: 20_000 });
    expect(await rttOf(ana.session)).toBe(0.05);
    expect([ana.refreshes(), ana.errors()]).toEqual([1, []]);
    expect((await ana.sent()).at(-1)?.dropped).toBeUndefined();
  });
});

describe('an application whose callbacks fail', () => {
  it('sees none of their errors again', async () => {
    const ana = await open('misused');
    await startMisused(ana, system.worker.url);
    await eventually(
      async () => {
        expect(await askedOf(ana)).toEqual(['beforeSend', 'onRejected', 'refreshToken']);
        return true;
      },
      { deadlineMs: 20_000 },
    );
    expect(ana.errors()).toEqual([]);
    expect(await rttOf('misused')).toBeUndefined();
  });
});

describe('an endpoint that is away', () => {
  it('costs the page no error, and what was dropped is what is missing', async () => {
    const ana = await open('away');
    await pushRtt(ana, 0.07);
    await appears(ana.session);
    const dropped = await sumOf('edgepulse_client_dropped_beacons_total');
    const lost = await sumOf('edgepulse_beacons_lost_total');
    await system.worker.kill();
    // Some are due, none arrives: within a TTL, since a session that was away for longer begins anew.
    await eventually(
      async () => {
        await flush(ana);
        return ((await ana.sent()).at(-1)?.dropped ?? 0) >= 1;
      },
      { intervalMs: 500 },
    );
    await system.worker.restart();
    await eventually(async () => (await sumOf('edgepulse_client_dropped_beacons_total')) > dropped, {
      deadlineMs: 20_000,
    });
    // A hole is a loss when it has stood open for longer than reordering lasts.
    await eventually(
      async () => {
        const said = (await ana.sent()).at(-1)?.dropped;
        expect((await sumOf('edgepulse_client_dropped_beacons_total')) - dropped).toBe(said);
        expect((await sumOf('edgepulse_beacons_lost_total')) - lost).toBe(said);
        return true;
      },
      { deadlineMs: 40_000 },
    );
    expect(await rttOf(ana.session)).toBe(0.07);
    expect(ana.errors()).toEqual([]);
  });
});

describe('the back-forward cache', () => {
  it('keeps a session that comes back', async () => {
    const ana = await open('cached');
    await pushRtt(ana, 0.09);
    await appears(ana.session);
    await ana.page.goto(`${pages.origin}/elsewhere`);
    await ana.page.goBack({ waitUntil: 'commit' });
    // Chromium fires no load event for a page out of the cache.
    expect(await ana.page.evaluate(() => 'reporter' in window)).toBe(true);
    const count = (await ana.sent()).length;
    await eventually(async () => (await ana.sent()).length > count, { deadlineMs: 20_000 });
    const sent = await ana.sent();
    expect(sent.some(({ leaving }) => leaving)).toBe(false);
    expect(new Set(sent.map(({ started }) => started)).size).toBe(1);
    expect(await rttOf(ana.session)).toBe(0.09);
  });
});
