import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { STREAM_READING } from '../../test/support/metrics/expose.ts';
import { eventually } from '../../test/support/poll.ts';
import { createHistory, HISTORY_COLUMNS, STEP_MS, type StepFigures } from '../history/history.ts';
import type { ExposeOptions } from '../metrics/exposition.ts';
import { createTestSessions } from '../store/testing.ts';
import type { EndedSession } from './answers.ts';
import type { OverviewNow } from './overview/overview.ts';
import { readPart } from './overview/read-part.ts';
import { createPacer } from './pacer.ts';
import { createHttpServer, type ServerOptions } from './server.ts';
import type { FoundSessions, WorstQuery } from './sessions/worst-sessions.ts';

const SHOWN = { shards: ['0/1'], missing: [] };
const SOURCE = {
  sessions: createTestSessions(),
  version: '1.2.3',
  startedAtMs: 0,
  shard: { index: 0, count: 1 },
  stream: () => STREAM_READING,
};

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

type SetUp = Partial<Omit<ServerOptions, 'expose' | 'worst'>> & { readonly endless?: boolean };

/** A server over sources that say what was asked of them; an endless one never runs out of text. */
async function setUp({ endless = false, ...options }: SetUp = {}) {
  const asked: ExposeOptions[] = [];
  const queries: WorstQuery[] = [];
  const open = { scrapes: 0, overviews: 0 };
  const server = createHttpServer({
    *expose(request) {
      asked.push(request);
      open.scrapes++;
      try {
        do yield `store_metric ${asked.length}\n`.repeat(1_000);
        while (endless);
      } finally {
        open.scrapes--;
      }
    },
    processMetrics: async (openMetrics) => `self_metric{open="${openMetrics}"} 1\n`,
    *overview() {
      open.overviews++;
      yield;
      return { version: `${open.overviews}`, regions: [] as unknown } as OverviewNow;
    },
    history: createHistory(['apac', 'sa']),
    *worst(query) {
      queries.push(query);
      yield;
      const sessions = [{ session_id: 's-1' }, { session_id: 's-2' }].map((ids) => ({ ...ids, peers: [] }));
      return { total: 7, sessions } as unknown as FoundSessions;
    },
    // biome-ignore lint/correctness/useYield: it has its result at once.
    *ended() {
      return { total: 3, reachMs: 7, sessions: [{ session_id: 's-3' }] as unknown as EndedSession[] };
    },
    part: () => readPart(SOURCE),
    topology: 'fingerprint',
    others: async () => ({ found: [], shown: SHOWN }),
    readiness: () => ({ ready: true }),
    regions: ['apac', 'sa'],
    topologyRegions: ['apac', 'sa', 'oc'],
    metricsToken: undefined,
    board: new Map([['/', { body: Buffer.from('<p>'), contentType: 'text/html; charset=utf-8', etag: '"1"' }]]),
    pacer: createPacer(),
    now: () => 42,
    log: pino({ level: 'silent' }),
    ...options,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { asked, queries, open, server, port, url: `http://127.0.0.1:${port}` };
}

const UNKNOWN_STEP = Object.fromEntries(HISTORY_COLUMNS.map((column) => [column, Number.NaN])) as StepFigures;

/** A scraper that sends its request and then never reads. */
async function deafScraper(port: number, headers = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  ends.push(() => socket.destroy());
  await once(socket, 'connect');
  socket.pause();
  socket.on('error', () => undefined);
  socket.write(`GET /metrics HTTP/1.1\r\nhost: x\r\n${headers}\r\n`);
  return socket;
}

describe('GET /metrics', () => {
  it('answers text 0.0.4 with all families', async () => {
    const { url, asked } = await setUp();
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.text()).toMatch(/store_metric 1\nself_metric\{open="false"\} 1\n$/);
    expect(asked).toEqual([{ nowMs: 42, collect: new Set(['population', 'sessions', 'process']), openMetrics: false }]);
  });

  it('answers OpenMetrics with its end', async () => {
    const { url, asked } = await setUp();
    const answer = await fetch(`${url}/metrics`, { headers: { accept: 'application/openmetrics-text' } });
    expect(answer.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(await answer.text()).toMatch(/self_metric\{open="true"\} 1\n# EOF\n$/);
    expect(asked[0]?.openMetrics).toBe(true);
  });

  it.each([
    ['collect[]=population', ['population'], false],
    ['collect[]=process', ['process'], true],
    ['collect[]=operations', ['operations'], false],
    ['collect%5B%5D=sessions&collect%5B%5D=process', ['sessions', 'process'], true],
  ])('chooses families by %s', async (query, families, hasSelf) => {
    const { url, asked } = await setUp();
    const text = await (await fetch(`${url}/metrics?${query}`)).text();
    expect(asked[0]?.collect).toEqual(new Set(families));
    expect(text.includes('self_metric')).toBe(hasSelf);
  });

  it('rejects unknown families', async () => {
    const { url } = await setUp();
    const answer = await fetch(`${url}/metrics?collect[]=everything`);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({ status: 400, title: 'Bad Request' });
  });

  it('compresses for who can read it', async () => {
    const { port } = await setUp();
    const socket = connect(port, '127.0.0.1');
    ends.push(() => socket.destroy());
    socket.write('GET /metrics HTTP/1.0\r\naccept-encoding: gzip\r\n\r\n');
    const answer = Buffer.concat((await socket.toArray()) as Buffer[]);
    const bodyAt = answer.indexOf('\r\n\r\n') + 4;
    expect(answer.subarray(0, bodyAt).toString()).toContain('content-encoding: gzip');
    expect(gunzipSync(answer.subarray(bodyAt)).toString()).toMatch(/self_metric\{open="false"\} 1\n$/);
  });

  it('answers HEAD without a scrape', async () => {
    const { url, asked } = await setUp();
    const answer = await fetch(`${url}/metrics`, { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('version=0.0.4');
    expect(asked).toEqual([]);
  });

  it.each(['', 'accept-encoding: gzip\r\n'])(
    'disconnects a scraper that does not read in time (%j)',
    async (headers) => {
      const { port, open, url } = await setUp({ endless: true, deadlineMs: 200 });
      const socket = await deafScraper(port, headers);
      await eventually(() => open.scrapes === 1);
      await eventually(() => open.scrapes === 0);
      // Nothing of it is held: once it reads, it finds the connection ended.
      socket.resume();
      await once(socket, 'close');
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
    },
  );

  it('lets go of a scraper that hangs up', async () => {
    const { port, open } = await setUp({ endless: true });
    const socket = await deafScraper(port);
    await eventually(() => open.scrapes === 1);
    socket.destroy();
    await eventually(() => open.scrapes === 0);
  });

  it('does a bounded number of scrapes at once, and more when they have ended', async () => {
    const { port, open, url } = await setUp({ endless: true, maxAtOnce: 3 });
    const sockets = await Promise.all([deafScraper(port), deafScraper(port), deafScraper(port)]);
    await eventually(() => open.scrapes === 3);
    const refused = await fetch(`${url}/metrics`);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    await refused.arrayBuffer();
    sockets[0].destroy();
    await eventually(() => open.scrapes === 2);
    await deafScraper(port);
    await eventually(() => open.scrapes === 3);
  });

  it('answers probes while scrapes are under way', async () => {
    const { port, open, url } = await setUp({ endless: true });
    const reader = await deafScraper(port);
    reader.resume();
    await eventually(() => open.scrapes === 1);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

describe('GET /api/v1/sessions', () => {
  it.each<[string, WorstQuery]>([
    ['', { sort: 'rtt', limit: 20, nowMs: 42 }],
    ['?sort=expand&limit=1000', { sort: 'expand', limit: 1_000, nowMs: 42 }],
    ['?region=sa&meeting_id=m-1', { region: 'sa', meetingId: 'm-1', sort: 'rtt', limit: 1_000, nowMs: 42 }],
    ['?session_id=s-1&ended=false', { sessionId: 's-1', sort: 'rtt', limit: 1_000, nowMs: 42 }],
    ['?meeting_id=m-1&sort=audio_mos&limit=5', { meetingId: 'm-1', sort: 'audio_mos', limit: 5, nowMs: 42 }],
  ])('asks for the worst: %s', async (search, query) => {
    const { url, queries } = await setUp();
    const answer = await fetch(`${url}/api/v1/sessions${search}`);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toEqual({
      sort: query.sort,
      total: 7,
      shown: SHOWN,
      sessions: [
        { session_id: 's-1', peers: [] },
        { session_id: 's-2', peers: [] },
      ],
    });
    expect(queries).toEqual([query]);
  });

  it('lists those that ended when they are asked for', async () => {
    const { url, queries } = await setUp();
    const answer = await fetch(`${url}/api/v1/sessions?session_id=s-3&meeting_id=m-1&ended=true&limit=9`);
    expect(await answer.json()).toMatchObject({
      total: 7,
      ended_total: 3,
      ended_reach_ms: 7,
      ended: [{ session_id: 's-3' }],
    });
    expect(queries).toEqual([{ meetingId: 'm-1', sessionId: 's-3', sort: 'rtt', limit: 9, nowMs: 42 }]);
  });

  it.each([
    ['limit=0', '1 to 1000'],
    ['limit=1001', '1 to 1000'],
    ['limit=x', '1 to 1000'],
    ['limit=', '1 to 1000'],
    ['sort=name', 'neteq_buffer, concealment, expand'],
    ['sort=constructor', 'neteq_buffer, concealment, expand'],
    ['region=mars', 'apac, sa'],
    ['meeting_id=a%20b', 'meeting_id'],
    ['session_id=', 'session_id'],
    ['session_id=s-1&session_id=s-2', 'once'],
    ['ended=true', 'meeting_id or a session_id'],
    ['ended=yes&session_id=s-1', 'true or false'],
    ['limit=5&offset=5', 'region, meeting_id, session_id, ended, sort, limit'],
    ['sort=rtt&sort=expand', 'once'],
  ])('rejects %s and says what it may be', async (search, choices) => {
    const { url, queries } = await setUp();
    const answer = await fetch(`${url}/api/v1/sessions?${search}`);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(((await answer.json()) as { detail: string }).detail).toContain(choices);
    expect(queries).toEqual([]);
  });
});

describe('GET /api/v1/overview', () => {
  it('answers JSON that nobody keeps', async () => {
    const { url } = await setUp();
    const answer = await fetch(`${url}/api/v1/overview`);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toMatchObject({ version: '1', regions: [], history: { times_ms: [] } });
  });

  it('is computed once for all who ask meanwhile, and anew for who asks later', async () => {
    const turns: (() => void)[] = [];
    const pacer = createPacer({ sliceMs: 0, defer: (turn) => void turns.push(turn) });
    const { url, open, server } = await setUp({ pacer });
    let requests = 0;
    server.on('request', () => requests++);
    const ask = async () => ((await (await fetch(`${url}/api/v1/overview`)).json()) as OverviewNow).version;
    const together = [ask(), ask(), ask()];
    await eventually(() => requests === 3);
    const takeTurns = setInterval(() => turns.shift()?.(), 1);
    ends.push(() => clearInterval(takeTurns));
    expect(await Promise.all(together)).toEqual(['1', '1', '1']);
    expect([await ask(), open.overviews]).toEqual(['2', 2]);
  });

  it('is written once for all who ask meanwhile', async () => {
    const turns: (() => void)[] = [];
    const pacer = createPacer({ sliceMs: 0, defer: (turn) => void turns.push(turn) });
    let written = 0;
    const region = { toJSON: () => `${++written}` };
    const overview = function* () {
      yield;
      return { version: '1', regions: [region, region] } as unknown as OverviewNow;
    };
    const { url, server } = await setUp({ overview, pacer });
    let requests = 0;
    server.on('request', () => requests++);
    const together = [1, 2, 3].map(async () => (await fetch(`${url}/api/v1/overview`)).json());
    await eventually(() => requests === 3);
    const takeTurns = setInterval(() => turns.shift()?.(), 1);
    ends.push(() => clearInterval(takeTurns));
    expect(await Promise.all(together)).toMatchObject(Array(3).fill({ version: '1', regions: ['1', '2'] }));
    expect(written).toBe(2);
  });

  it('has all of the history, or what is new since a step that the asker knows', async () => {
    const history = createHistory(['apac', 'sa']);
    const step = (sessions: number) => ({ ...UNKNOWN_STEP, sessions });
    for (let i = 0; i < 3; i++) history.write('apac', 1_000_000 + i * STEP_MS, step(i));
    const { url } = await setUp({ history });
    const ask = async (query: string) => (await (await fetch(`${url}/api/v1/overview${query}`)).json()).history;
    expect(await ask('')).toMatchObject({
      step_seconds: 5,
      times_ms: [1_000_000, 1_005_000, 1_010_000],
      all: { sessions: [null, null, null] },
      regions: { apac: { sessions: [0, 1, 2], rtt_p95: [null, null, null] }, sa: { sessions: [null, null, null] } },
    });
    expect(await ask('?since_ms=1005000')).toMatchObject({
      times_ms: [1_010_000],
      regions: { apac: { sessions: [2] } },
    });
    expect(await ask('?since_ms=1010000')).toMatchObject({ times_ms: [], regions: { apac: { sessions: [] } } });
    // Not a step of ours: the asker knows them by another clock.
    expect((await ask('?since_ms=9999999')).times_ms).toHaveLength(3);
  });

  it.each(['?region=apac', '?since_ms=', '?since_ms=-1', '?since_ms=1e9', '?since_ms=1&since_ms=1', '?since_ms=1&x=2'])(
    'refuses %s',
    async (query) => {
      const { url, open } = await setUp();
      expect((await fetch(`${url}/api/v1/overview${query}`)).status).toBe(400);
      expect(open.overviews).toBe(0);
    },
  );
});

describe('the server', () => {
  it('is ready or says why not', async () => {
    let ready = false;
    const { url } = await setUp({ readiness: () => (ready ? { ready } : { ready, reason: 'feed' }) });
    const before = await fetch(`${url}/readyz`);
    expect([before.status, await before.json()]).toEqual([503, { ready: false, reason: 'feed' }]);
    ready = true;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it('asks for the token everywhere but at the probes, and before it says what exists', async () => {
    const { url } = await setUp({ metricsToken: 's3cret' });
    for (const path of ['/', '/metrics', '/api/v1/overview', '/api/v1/sessions', '/nowhere']) {
      const refused = await fetch(url + path);
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toContain('Bearer');
      const answer = await fetch(url + path, { headers: { authorization: 'Bearer s3cret' } });
      expect(answer.status).toBe(path === '/nowhere' ? 404 : 200);
      await answer.arrayBuffer();
    }
    for (const path of ['/healthz', '/readyz']) expect((await fetch(url + path)).status).toBe(200);
  });

  it('only reads', async () => {
    const { url } = await setUp();
    const answer = await fetch(`${url}/metrics`, { method: 'POST' });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD');
  });

  it('serves the board, and only what has changed', async () => {
    const { url } = await setUp();
    const page = await fetch(url);
    expect([page.status, await page.text()]).toEqual([200, '<p>']);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await fetch(url, { headers: { 'if-none-match': '"1"' } })).status).toBe(304);
    expect((await fetch(`${url}/../package.json`)).status).toBe(404);
  });
});
