/** The worker as it is deployed: real routes, real Forwarders, the rate limits of wrangler.toml. */
import { exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { OBJECTIVES } from '../shared/objectives.ts';
import { REJECT_REASONS, REJECT_STATUS } from '../shared/reject.ts';
import { validBeacon } from '../test/support/edge/beacon.ts';
import { testToken } from '../test/support/edge/tokens.ts';

function ask(path: string, init?: RequestInit): Promise<Response> {
  return exports.default.fetch(`https://edge.example.com${path}`, init);
}

async function signedBeacon(session: string, meeting = 'm-1'): Promise<string> {
  const token = await testToken({ meeting, session });
  return JSON.stringify({ ...validBeacon({ meeting_id: meeting, session_id: session }), token });
}

function post(body: string, headers: Record<string, string> = {}): Promise<Response> {
  return ask('/v1/beacons', { method: 'POST', body, headers: { 'content-type': 'text/plain', ...headers } });
}

describe('POST /v1/beacons', () => {
  it('answers 204 when the beacon is safe', async () => {
    const answer = await post(await signedBeacon('first'));
    expect([answer.status, await answer.text()]).toStrictEqual([204, '']);
  });

  it('limits a session and not its neighbour', async () => {
    // Rejected by the schema, which comes after the limit: an accepted one would wait for its lane each time.
    const body = JSON.stringify({ ...JSON.parse(await signedBeacon('busy')), v: 2 });
    const statuses: number[] = [];
    for (let i = 0; i < 1_250 && statuses.at(-1) !== 429; i++) statuses.push((await post(body)).status);
    // At least: the limiter may begin a new minute meanwhile.
    expect(statuses.filter((status) => status === 422).length).toBeGreaterThanOrEqual(600);
    expect(statuses.at(-1)).toBe(429);
    expect((await post(await signedBeacon('calm'))).status).toBe(204);
  });

  it('limits an address whose requests are rejected, but not the tokens that it verified before', async () => {
    const headers = { 'cf-connecting-ip': '192.0.2.9' };
    const good = await signedBeacon('colleague');
    expect((await post(good, headers)).status).toBe(204);
    const statuses: number[] = [];
    for (let i = 0; i < 2_050 && statuses.at(-1) !== 429; i++) statuses.push((await post('{}', headers)).status);
    expect(statuses.filter((status) => status === 401).length).toBeGreaterThanOrEqual(1_000);
    expect(statuses.at(-1)).toBe(429);
    expect((await post(good, headers)).status).toBe(204);
    expect((await post(await signedBeacon('newcomer'), headers)).status).toBe(429);
    expect((await post(await signedBeacon('newcomer'), { 'cf-connecting-ip': '192.0.2.10' })).status).toBe(204);
  });
});

describe('CORS', () => {
  it('lets a page on this machine post in development, and asks nothing of its own', async () => {
    const origin = 'http://localhost:5173';
    const preflight = await ask('/v1/beacons', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
    const region = await ask('/v1/region', { headers: { origin } });
    expect(region.headers.get('access-control-allow-origin')).toBe(origin);
  });

  it.each([
    ['OPTIONS', '/v1/beacons'],
    ['GET', '/v1/region'],
  ])('refuses another page: %s %s', async (method, path) => {
    const answer = await ask(path, { method, headers: { origin: 'https://evil.example.com' } });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ type: '/problems/origin_forbidden' });
  });
});

describe('the other routes', () => {
  it('say which region a client is tagged with, and what a reporter paces itself by', async () => {
    const answer = await ask('/v1/region', { headers: { 'x-dev-region': 'oc' } });
    expect(await answer.json()).toStrictEqual({ region: 'oc', ttl_seconds: 30, objectives: OBJECTIVES });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it.each([
    ['POST', '/v1/beacons'],
    ['GET', '/v1/region'],
  ])('reject a region that is not configured: %s %s', async (method, path) => {
    const body = method === 'POST' ? await signedBeacon('nowhere') : null;
    const headers = { 'x-dev-region': 'moon', 'content-type': 'text/plain' };
    const answer = await ask(path, { method, headers, body });
    expect([answer.status, answer.headers.get('content-type')]).toStrictEqual([400, 'application/problem+json']);
    expect(await answer.json()).toMatchObject({
      type: '/problems/unknown_region',
      detail: expect.stringContaining('us-east, us-west, eu-west, apac, sa, oc'),
    });
  });

  it('say that the worker is healthy, to GET and to HEAD', async () => {
    expect(await (await ask('/healthz')).json()).toStrictEqual({ status: 'ok' });
    expect((await ask('/healthz', { method: 'HEAD' })).status).toBe(200);
  });

  it.each(REJECT_REASONS)('explain %s', async (reason) => {
    const answer = await ask(`/problems/${reason}`);
    expect([answer.status, answer.headers.get('content-type')]).toStrictEqual([200, 'text/plain;charset=UTF-8']);
    expect(await answer.text()).toContain(`${reason} (${REJECT_STATUS[reason]})`);
  });

  it.each(['/', '/v1', '/v1/beacons/', '/V1/beacons', '/problems/invented', '/problems/toString', '/problems/'])(
    'do not include %s',
    async (path) => {
      const answer = await ask(path);
      expect(answer.status).toBe(404);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(await answer.json()).toMatchObject({ type: '/problems/not_found' });
    },
  );

  it.each([
    ['GET', '/v1/beacons', 'POST, OPTIONS'],
    ['PUT', '/v1/beacons', 'POST, OPTIONS'],
    ['DELETE', '/v1/beacons', 'POST, OPTIONS'],
    ['POST', '/v1/region', 'GET'],
    ['POST', '/healthz', 'GET'],
  ])('refuse %s %s and say what is allowed', async (method, path, allow) => {
    const answer = await ask(path, { method });
    expect([answer.status, answer.headers.get('allow')]).toStrictEqual([405, allow]);
    expect(await answer.json()).toMatchObject({ type: '/problems/method_not_allowed' });
  });

  it.each(['/healthz', '/v1/region', '/problems/token_missing', '/nowhere'])(
    'carry security headers: %s',
    async (path) => {
      const { headers } = await ask(path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
    },
  );
});
