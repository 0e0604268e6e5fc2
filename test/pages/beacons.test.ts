/**
 * A real Chromium posts from a page of another site, in every way that a page has, and what arrived is counted
 * in /metrics. A tap in front of the worker sees what was on the wire.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinCall, type PageCall } from '../support/pages/page-call.ts';
import type { TappedRequest } from '../support/pages/wire-tap.ts';
import { eventually } from '../support/poll.ts';
import { type Chromium, type PageServer, startChromium, startPageServer } from '../support/processes/chromium.ts';
import { type System, startSystem } from '../support/processes/system.ts';

/** Nothing goes stale meanwhile: a session that is gone has left. */
const TTL_SECONDS = 600;
/** The newest of the builder's beacon. */
const RTT_SECONDS = 0.079;

let listed: PageServer;
let stranger: PageServer;
let system: System;
let chromium: Chromium;
/** The edge's own choice: a page sends no development header. */
let region: string;
beforeAll(async () => {
  [listed, stranger] = await Promise.all([startPageServer(), startPageServer()]);
  system = await startSystem({ ttlSeconds: TTL_SECONDS, workerVars: { ALLOWED_ORIGINS: listed.origin } });
  chromium = await startChromium();
  ({ region } = (await (await fetch(`${system.worker.url}/v1/region`)).json()) as { region: string });
});
afterAll(async () => {
  await chromium?.stop();
  await system?.stop();
  await Promise.all([listed?.stop(), stranger?.stop()]);
});

/** A page that takes part in a call as a session of its own. */
function join(session: string, origin = listed.origin): Promise<PageCall> {
  return joinCall({ system, chromium, region, origin, session });
}

function methodsOf(requests: readonly TappedRequest[]): string[] {
  return requests.map(({ method }) => method);
}

/** Adds a field that the edge does not know, and so ignores. */
function padTo(bytes: number, body: string): string {
  const padded = (length: number) => body.replace(/}$/, `,"padding":"${'x'.repeat(length)}"}`);
  return padded(bytes - padded(0).length);
}

/** The page's own scripts: they run in Chromium, and so use nothing of this file. */
type Sending = { readonly url: string; readonly bodies: readonly string[] };
const sendBeacons = ({ url, bodies }: Sending) => bodies.map((body) => navigator.sendBeacon(url, body));
const fetchOnce = async ({ url, init }: { url: string; init: RequestInit }) => {
  const answer = await fetch(url, { method: 'POST', ...init });
  return { status: answer.status, text: await answer.text() };
};

describe('a page on a listed origin', () => {
  it('posts by sendBeacon with no preflight', async () => {
    const call = await join('by-send-beacon');
    expect(await call.page.evaluate(sendBeacons, { url: call.url, bodies: [call.body(0)] })).toEqual([true]);
    const scrape = await call.counted({ accepted: 1, applied: 1 });
    expect(call.rttIn(scrape)).toBe(RTT_SECONDS);
    expect(methodsOf(call.wire())).toEqual(['POST']);
    const [post] = call.wire();
    expect(post?.target).toBe('/v1/beacons');
    expect(post?.headers.get('content-type')).toBe('text/plain;charset=UTF-8');
    expect(post?.headers.get('origin')).toBe(listed.origin);
  });

  it('posts by fetch keepalive with no preflight, and can read the empty answer', async () => {
    const call = await join('by-fetch');
    const init = { keepalive: true, body: call.body(0) };
    expect(await call.page.evaluate(fetchOnce, { url: call.url, init })).toEqual({ status: 204, text: '' });
    const scrape = await call.counted({ accepted: 1, applied: 1 });
    expect(call.rttIn(scrape)).toBe(RTT_SECONDS);
    expect(methodsOf(call.wire())).toEqual(['POST']);
  });

  it('posts JSON with a bearer token after one preflight', async () => {
    const call = await join('by-json');
    const headers = { authorization: `Bearer ${call.token}`, 'content-type': 'application/json' };
    for (const seq of [0, 1]) {
      const init = { headers, keepalive: true, body: call.body(seq, { token: undefined }) };
      expect(await call.page.evaluate(fetchOnce, { url: call.url, init })).toEqual({ status: 204, text: '' });
    }
    const scrape = await call.counted({ accepted: 2, applied: 2 });
    expect(call.rttIn(scrape)).toBe(RTT_SECONDS);
    expect(methodsOf(call.wire()).toSorted()).toEqual(['OPTIONS', 'POST', 'POST']);
  });

  it('posts JSON by sendBeacon, which asks with credentials, after a preflight', async () => {
    const call = await join('by-json-beacon');
    const sendJson = ({ url, body }: { url: string; body: string }) =>
      navigator.sendBeacon(url, new Blob([body], { type: 'application/json' }));
    expect(await call.page.evaluate(sendJson, { url: call.url, body: call.body(0) })).toBe(true);
    expect(call.rttIn(await call.counted({ accepted: 1, applied: 1 }))).toBe(RTT_SECONDS);
    expect(methodsOf(call.wire()).toSorted()).toEqual(['OPTIONS', 'POST']);
  });

  it('can read why it was rejected', async () => {
    const call = await join('rejected');
    const init = { body: call.body(0, { rtt: [-1] }) };
    const { status, text } = await call.page.evaluate(fetchOnce, { url: call.url, init });
    expect(status).toBe(422);
    expect(JSON.parse(text)).toMatchObject({ type: '/problems/out_of_range' });
    expect(call.rttIn(await call.counted({ out_of_range: 1 }))).toBeUndefined();
  });

  it('can ask for its region', async () => {
    const { page } = await join('asking');
    const answer = await page.evaluate(async (url) => (await fetch(url)).json(), `${system.worker.url}/v1/region`);
    expect(answer).toMatchObject({ region, ttl_seconds: TTL_SECONDS });
  });
});

describe('a gzip body', () => {
  /** `padding` stands for a member of that many bytes, which are made in the page. */
  const fetchGzip = async ({ url, text, padding }: { url: string; text: string; padding: number }) => {
    const padded = JSON.stringify({ ...JSON.parse(text), padding: 'x'.repeat(padding) });
    const stream = new Blob([padded]).stream().pipeThrough(new CompressionStream('gzip'));
    const body = await new Response(stream).arrayBuffer();
    const headers = { 'content-type': 'text/plain', 'content-encoding': 'gzip' };
    const answer = await fetch(url, { method: 'POST', headers, body });
    return { status: answer.status, text: await answer.text(), bytes: body.byteLength };
  };

  it('is accepted', async () => {
    const call = await join('by-gzip');
    const input = { url: call.url, text: call.body(0), padding: 58_000 };
    const { status, bytes } = await call.page.evaluate(fetchGzip, input);
    expect(status).toBe(204);
    expect(bytes).toBeLessThan(2_000);
    expect(call.rttIn(await call.counted({ accepted: 1, applied: 1 }))).toBe(RTT_SECONDS);
    expect(methodsOf(call.wire()).toSorted()).toEqual(['OPTIONS', 'POST']);
  });

  it('is rejected when it is a bomb', async () => {
    const call = await join('bomb');
    const input = { url: call.url, text: call.body(0), padding: 10_000_000 };
    const { status, text, bytes } = await call.page.evaluate(fetchGzip, input);
    expect(bytes).toBeLessThan(20_000);
    expect(status).toBe(413);
    expect(JSON.parse(text)).toMatchObject({ type: '/problems/body_too_large' });
    expect(call.rttIn(await call.counted({ body_too_large: 1 }))).toBeUndefined();
  });
});

type Farewell = { url: string; body: string; events: readonly string[]; by: string };

describe('a page that ends', () => {
  /** Sent while the handler runs: what is sent later may be too late. */
  const onEnd = ({ url, body, events, by }: Farewell) => {
    const sayGoodbye = () => {
      if (by === 'sendBeacon') navigator.sendBeacon(url, body);
      else void fetch(url, { method: 'POST', keepalive: true, body });
    };
    if (events.includes('pagehide')) addEventListener('pagehide', sayGoodbye);
    if (events.includes('visibilitychange')) {
      document.addEventListener('visibilitychange', () => {
        if (document.visibilityState === 'hidden') sayGoodbye();
      });
    }
  };
  const ends: { readonly [end: string]: (page: Page) => Promise<unknown> } = {
    navigating: (page) => page.goto(`${listed.origin}/elsewhere`),
    closing: (page) => page.close({ runBeforeUnload: false }),
  };
  const rows = Object.keys(ends).flatMap((end) =>
    ['pagehide', 'visibilitychange'].flatMap((event) =>
      ['sendBeacon', 'fetch'].map((by) => ({ end, event, by, session: `${end}-${event}-${by}` })),
    ),
  );

  it.each(rows)('by $end says so on $event by $by, and its session is gone at once', async (row) => {
    const { session, end, event, by } = row;
    const call = await join(session);
    await call.page.evaluate(sendBeacons, { url: call.url, bodies: [call.body(0)] });
    expect(call.rttIn(await call.counted({ accepted: 1, applied: 1 }))).toBe(RTT_SECONDS);
    await call.page.evaluate(onEnd, { url: call.url, body: call.body(1, { leaving: true }), events: [event], by });
    await ends[end]?.(call.page);
    expect(call.rttIn(await call.counted({ accepted: 2, applied: 2, left: 1 }))).toBeUndefined();
    expect(methodsOf(call.wire())).toEqual(['POST', 'POST']);
  });

  it('stays gone when both events say so', async () => {
    const call = await join('leaving-twice');
    await call.page.evaluate(sendBeacons, { url: call.url, bodies: [call.body(0)] });
    await call.counted({ accepted: 1, applied: 1 });
    const events = ['pagehide', 'visibilitychange'];
    await call.page.evaluate(onEnd, { url: call.url, body: call.body(1, { leaving: true }), events, by: 'sendBeacon' });
    await ends.closing?.(call.page);
    const scrape = await call.counted({ accepted: 3, applied: 2, duplicate: 1, left: 1 });
    expect(call.rttIn(scrape)).toBeUndefined();
  });
});

describe('a burst in one tick', () => {
  const fetchAll = async ({ url, bodies }: Sending) => {
    const answers = bodies.map((body) => fetch(url, { method: 'POST', keepalive: true, body }));
    return (await Promise.allSettled(answers)).map(({ status }) => status === 'fulfilled');
  };
  const BURSTS = 4;
  const BURST = 6;
  /** `room`: how many bodies of that size the 64 KiB take that a page may have in flight. */
  const rows = [
    { by: 'sendBeacon', send: sendBeacons, bytes: 59_900, room: 1, session: 'beacon-burst-of-large' },
    { by: 'sendBeacon', send: sendBeacons, bytes: 20_000, room: 3, session: 'beacon-burst-of-small' },
    { by: 'fetch keepalive', send: fetchAll, bytes: 59_900, room: 1, session: 'fetch-burst-of-large' },
    { by: 'fetch keepalive', send: fetchAll, bytes: 20_000, room: 3, session: 'fetch-burst-of-small' },
  ];

  it.each(rows)('of $bytes bytes each by $by: what fits in arrives and makes room again', async (row) => {
    const { send, bytes, room, session } = row;
    const call = await join(session);
    let seq = 0;
    let taken = 0;
    const burst = async () => {
      const bodies = Array.from({ length: BURST }, () => padTo(bytes, call.body(++seq)));
      const answers = await call.page.evaluate(send, { url: call.url, bodies });
      const count = answers.filter(Boolean).length;
      taken += count;
      return count;
    };
    expect(await burst()).toBe(room);
    for (let again = 1; again < BURSTS; again++) {
      // The room that was taken comes back with the answers, and all of it.
      await eventually(async () => (await burst()) === room);
    }
    expect(call.rttIn(await call.counted({ accepted: taken, applied: taken }))).toBe(RTT_SECONDS);
    expect(methodsOf(call.wire())).toEqual(Array(taken).fill('POST'));
  });
});

describe('a page on an origin that is not listed', () => {
  const fetchError = ({ url, init }: { url: string; init: RequestInit }) =>
    fetch(url, { method: 'POST', ...init }).then(
      ({ type }) => type,
      (error: Error) => error.name,
    );

  it('is rejected by sendBeacon, which cannot report it', async () => {
    const call = await join('stranger-beacon', stranger.origin);
    expect(await call.page.evaluate(sendBeacons, { url: call.url, bodies: [call.body(0)] })).toEqual([true]);
    expect(call.rttIn(await call.counted({ origin_forbidden: 1 }))).toBeUndefined();
    expect(call.wire()[0]?.headers.get('origin')).toBe(stranger.origin);
  });

  it.each([
    { of: 'text', init: {}, outcome: 'TypeError', methods: ['POST'] },
    { of: 'opaque text', init: { mode: 'no-cors' as const }, outcome: 'opaque', methods: ['POST'] },
    {
      of: 'JSON, at its preflight',
      init: { headers: { 'content-type': 'application/json' } },
      outcome: 'TypeError',
      methods: ['OPTIONS'],
    },
  ])('is rejected by fetch of $of', async ({ init, outcome, methods }) => {
    const call = await join(`stranger-${outcome}-${methods.join('-')}`, stranger.origin);
    const options = { url: call.url, init: { ...init, body: call.body(0) } };
    expect(await call.page.evaluate(fetchError, options)).toBe(outcome);
    expect(call.rttIn(await call.counted({ origin_forbidden: 1 }))).toBeUndefined();
    expect(methodsOf(call.wire())).toEqual(methods);
  });
});
