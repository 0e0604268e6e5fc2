import { gzipSync } from 'node:zlib';
import { sign } from 'hono/jwt';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../shared/envelope.ts';
import { REJECT_STATUS, type RejectReason } from '../../shared/reject.ts';
import invalidBeacons from '../../test/fixtures/invalid-beacons.json' with { type: 'json' };
import validBeacons from '../../test/fixtures/valid-beacons.json' with { type: 'json' };
import { validBeacon } from '../../test/support/edge/beacon.ts';
import type { ForwardAnswer } from '../forward/call.ts';
import { BEACONS_URL, NOW_MS, SECRET, signedToken, type TestReceiver, testReceiver, validClaims } from '../testing.ts';

const token = await signedToken();
const bearer = { authorization: `Bearer ${token}` };

async function expectRefused(receiver: TestReceiver, answer: Response, reason: RejectReason): Promise<void> {
  expect(answer.status).toBe(REJECT_STATUS[reason]);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(await answer.json()).toMatchObject({ type: `/problems/${reason}`, status: REJECT_STATUS[reason] });
  expect(receiver.refused()).toStrictEqual({ [reason]: 1 });
  expect(receiver.calls.flatMap(({ batch }) => batch.entries)).toStrictEqual([]);
}

describe('an accepted beacon', () => {
  it('is answered 204, empty, with security headers and no content type', async () => {
    const answer = await testReceiver().post(JSON.stringify({ ...validBeacon(), token }));
    expect(answer.status).toBe(204);
    expect(answer.body).toBe(null);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('content-type')).toBe(null);
  });

  it("reaches the Forwarder of its region and lane, once, with the edge's clock and colo", async () => {
    const receiver = testReceiver();
    await receiver.post(JSON.stringify(validBeacon()), { headers: bearer });
    expect(receiver.calls).toMatchObject([{ name: 'apac:f10', hint: 'apac', batch: { refused: {}, jwksErrors: 0 } }]);
    expect(entries(receiver)).toStrictEqual([{ received_at: NOW_MS, colo: 'SIN', beacon: validBeacon() }]);
  });

  it('carries neither its token nor unknown fields on', async () => {
    const receiver = testReceiver();
    await receiver.post(
      JSON.stringify({ ...validBeacon(), token, user_agent: 'x', peers: [{ peer_id: 's-2', ip: '192.0.2.1' }] }),
    );
    const [sent = ''] = receiver.calls.flatMap(({ batch }) => batch.entries);
    expect(sent).toContain('"peer_id":"s-2"');
    expect(sent).not.toMatch(/token|user_agent|192\.0\.2\.1/);
    expect(sent).not.toContain(token.slice(0, 20));
  });

  it.each([
    ['https://media-apac-1.example.com/room/7?user=x', 'https://media-apac-1.example.com'],
    ['https://media-apac-1.example.com:443', 'https://media-apac-1.example.com'],
    ['https://evil.example.com', 'other'],
    ['"\n} evil 1', 'other'],
  ])('has its server %j reduced to %s', async (url, label) => {
    const receiver = testReceiver();
    await receiver.post(JSON.stringify(validBeacon({ server: { url, type: 'webrtc' } })), { headers: bearer });
    expect(entries(receiver)[0]?.beacon.server).toStrictEqual({ url: label, type: 'webrtc' });
  });

  it('takes its region from cf, whatever headers and body say', async () => {
    const receiver = testReceiver();
    const body = JSON.stringify({ ...validBeacon(), region: 'apac' });
    await receiver.post(body, {
      headers: { ...bearer, 'x-dev-region': 'apac', 'cf-ray': '1-SIN' },
      cf: { colo: 'FRA' },
    });
    expect(receiver.calls.map(({ name }) => name)).toStrictEqual(['eu-west:f10']);
  });

  it.each(validBeacons)('golden: $name', async ({ beacon, decoded }) => {
    const receiver = testReceiver();
    const own = await signedToken({ meeting_id: decoded.meeting_id, sub: decoded.session_id });
    const answer = await receiver.post(JSON.stringify({ ...beacon, token: own }));
    expect(answer.status).toBe(204);
    expect(entries(receiver)).toMatchObject([{ beacon: { session_id: decoded.session_id, seq: decoded.seq } }]);
  });

  it.each([
    ['text/plain', {}],
    ['text/plain; charset=utf-8', {}],
    ['application/json', {}],
    ['Application/JSON;charset="UTF-8"', {}],
    ['text/plain', { 'content-encoding': 'identity' }],
  ])('may be sent as %s %j', async (type, headers) => {
    const answer = await testReceiver().post(JSON.stringify(validBeacon()), {
      headers: { ...bearer, ...headers, 'content-type': type },
    });
    expect(answer.status).toBe(204);
  });

  it.each(['gzip', 'GZIP', 'x-gzip'])('may be compressed: %s', async (encoding) => {
    const receiver = testReceiver();
    const answer = await receiver.post(gzipSync(JSON.stringify(validBeacon())), {
      headers: { ...bearer, 'content-encoding': encoding },
    });
    expect(answer.status).toBe(204);
    expect(entries(receiver)[0]?.beacon).toStrictEqual(validBeacon());
  });

  it('may come in pieces without a length', async () => {
    const text = new TextEncoder().encode(JSON.stringify({ ...validBeacon(), token }));
    const answer = await testReceiver().post(stream([text.slice(0, 7), text.slice(7, 100), text.slice(100)]));
    expect(answer.status).toBe(204);
  });

  it.each([
    ['plain', padded(60_000), {}],
    ['compressed', gzipSync(padded(60_000)), { 'content-encoding': 'gzip' }],
  ])('may use the whole limit: %s', async (_, body, headers) => {
    const answer = await testReceiver().post(body, { headers });
    expect(answer.status).toBe(204);
  });

  it("prefers the header's token to the one in the body", async () => {
    const other = await signedToken({ sub: 's-9' });
    const body = JSON.stringify({ ...validBeacon(), token: other });
    expect((await testReceiver().post(body, { headers: bearer })).status).toBe(204);
    expect((await testReceiver().post(body)).status).toBe(403);
  });
});

describe('bad input', () => {
  it.each<[string, BodyInit | null, Record<string, string>, RejectReason]>([
    ['an empty body', '', {}, 'malformed_json'],
    ['no body', null, {}, 'malformed_json'],
    ['not JSON', '{"v":1,', {}, 'malformed_json'],
    ['JSON with NaN', '{"v":NaN}', {}, 'malformed_json'],
    ['bytes that are not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), {}, 'malformed_json'],
    ['UTF-8 cut in a character', new Uint8Array([0x22, 0xe2, 0x82, 0x22]), {}, 'malformed_json'],
    ['brackets 59,000 deep', '['.repeat(59_000), {}, 'malformed_json'],
    ['brackets 29,000 deep, closed', '['.repeat(29_000) + ']'.repeat(29_000), bearer, 'invalid_field'],
    ['objects 8,000 deep', `${'{"a":'.repeat(8_000)}1${'}'.repeat(8_000)}`, bearer, 'unsupported_version'],
    ['70 kB', padded(70_000), {}, 'body_too_large'],
    ['one byte over the limit', padded(60_001), {}, 'body_too_large'],
    ['70 kB without a length', stream([new Uint8Array(40_000), new Uint8Array(30_000)]), {}, 'body_too_large'],
    ['a gzip bomb', gzipSync(new Uint8Array(50_000_000)), { 'content-encoding': 'gzip' }, 'body_too_large'],
    ['one inflated byte over the limit', gzipSync(padded(60_001)), { 'content-encoding': 'gzip' }, 'body_too_large'],
    ['gzip that is none', '{}', { 'content-encoding': 'gzip' }, 'damaged_encoding'],
    ['gzip cut off', gzipSync(padded(9_000)).subarray(0, -9), { 'content-encoding': 'gzip' }, 'damaged_encoding'],
    ['gzip of nothing', gzipSync(''), { 'content-encoding': 'gzip' }, 'malformed_json'],
    ['brotli', '{}', { 'content-encoding': 'br' }, 'unsupported_encoding'],
    ['gzip twice', '{}', { 'content-encoding': 'gzip, gzip' }, 'unsupported_encoding'],
    ['a form', '{}', { 'content-type': 'application/x-www-form-urlencoded' }, 'unsupported_media_type'],
    ['no media type', '{}', { 'content-type': '' }, 'unsupported_media_type'],
    ['a media type that only starts right', '{}', { 'content-type': 'text/plainer' }, 'unsupported_media_type'],
    ['another charset', '{}', { 'content-type': 'text/plain; charset=utf-16' }, 'unsupported_media_type'],
  ])('%s', async (_, body, headers, reason) => {
    const receiver = testReceiver();
    await expectRefused(receiver, await receiver.post(body, { headers }), reason);
  });

  it.each(invalidBeacons)('golden: $name', async ({ beacon, reason }) => {
    const receiver = testReceiver();
    const answer = await receiver.post(JSON.stringify(beacon), { headers: bearer });
    await expectRefused(receiver, answer, reason as RejectReason);
  });

  it('of a client that says more than it sends', async () => {
    const receiver = testReceiver();
    const broken = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode('{"v":1'));
        controller.error(new Error('connection lost'));
      },
    });
    await expectRefused(receiver, await receiver.post(broken), 'incomplete_body');
  });
});

describe('tokens', () => {
  const seconds = NOW_MS / 1000;
  it.each<[string, () => string | Promise<string>, RejectReason]>([
    ['none', () => '', 'token_missing'],
    ['garbage', () => 'abc', 'token_invalid'],
    ['three parts of garbage', () => 'a.b.c', 'token_invalid'],
    ['over 2 kB', () => signedToken({ padding: 'x'.repeat(2_048) }), 'token_invalid'],
    ['alg none', () => unsigned({ alg: 'none', typ: 'JWT' }), 'token_invalid'],
    ['alg None', () => unsigned({ alg: 'None' }), 'token_invalid'],
    ['no alg', () => unsigned({ typ: 'JWT' }), 'token_invalid'],
    ['a header that is null', () => unsigned(null), 'token_invalid'],
    ['a critical extension', () => unsigned({ alg: 'HS256', crit: ['x'] }), 'token_invalid'],
    ['HS512', () => sign(validClaims(), SECRET, 'HS512'), 'token_invalid'],
    ['another secret', () => signedToken({}, 'another-secret-0123456789abcdef012345'), 'token_invalid'],
    ['changed claims', async () => withClaims(await signedToken({ sub: 's-2' }), validClaims()), 'token_invalid'],
    ['no signature', () => `${token.split('.').slice(0, 2).join('.')}.`, 'token_invalid'],
    ['expired', () => signedToken({ exp: seconds - 31 }), 'token_expired'],
    ['expired just now, with the skew', () => signedToken({ exp: seconds - 30 }), 'token_expired'],
    ['without exp', () => signedToken({ exp: undefined }), 'token_invalid'],
    ['exp as text', () => signedToken({ exp: String(seconds + 60) }), 'token_invalid'],
    ['not yet valid', () => signedToken({ nbf: seconds + 31 }), 'token_invalid'],
    ['nbf as text', () => signedToken({ nbf: 'now' }), 'token_invalid'],
    ['another audience', () => signedToken({ aud: 'other' }), 'token_audience'],
    ['other audiences', () => signedToken({ aud: ['other', 'edgepulse2'] }), 'token_audience'],
    ['no audience', () => signedToken({ aud: undefined }), 'token_audience'],
    ['no meeting', () => signedToken({ meeting_id: undefined }), 'token_invalid'],
    ['a subject that is no id', () => signedToken({ sub: 's 1' }), 'token_invalid'],
    ['another session', () => signedToken({ sub: 's-2' }), 'session_mismatch'],
    ['another meeting', () => signedToken({ meeting_id: 'm-2' }), 'session_mismatch'],
  ])('%s, in the header and in the body', async (_, make, reason) => {
    const made = await make();
    const receiver = testReceiver();
    await expectRefused(receiver, await receiver.post(JSON.stringify({ ...validBeacon(), token: made })), reason);
    const headers = { authorization: `Bearer ${made}` };
    await expectRefused(receiver, await receiver.post(JSON.stringify(validBeacon()), { headers }), reason);
  });

  it.each<[string, { [claim: string]: unknown }]>([
    ['29 s after it expired', { exp: seconds - 29 }],
    ['30 s before it becomes valid', { nbf: seconds + 30 }],
    ['issued by a clock ahead of ours', { iat: seconds + 25 }],
    ['with several audiences', { aud: ['other', 'edgepulse'] }],
  ])('accepts a token %s', async (_, claims) => {
    const own = await signedToken(claims);
    expect((await testReceiver().post(JSON.stringify({ ...validBeacon(), token: own }))).status).toBe(204);
  });

  it.each([
    ['a number', 7],
    ['null', null],
    ['an object', {}],
  ])('in the body as %s is none', async (_, value) => {
    const receiver = testReceiver();
    await expectRefused(
      receiver,
      await receiver.post(JSON.stringify({ ...validBeacon(), token: value })),
      'token_missing',
    );
  });

  it('never comes back in an answer', async () => {
    const own = await signedToken({ exp: seconds - 60 });
    const text = await (await testReceiver().post(JSON.stringify({ ...validBeacon(), token: own }))).text();
    expect(text).not.toContain(own.slice(0, 12));
  });
});

describe("a Forwarder that can't", () => {
  it.each<[string, () => Promise<ForwardAnswer>, RejectReason]>([
    ['is unavailable', async () => ({ ok: false, reason: 'unavailable' }), 'unavailable'],
    ['has a full spool', async () => ({ ok: false, reason: 'spool_full' }), 'spool_full'],
    ['has failing storage', async () => ({ ok: false, reason: 'storage_failed' }), 'storage_failed'],
    ['throws', () => Promise.reject(new Error('broken')), 'unavailable'],
  ])('%s: 503 with Retry-After, counted', async (_, forward, reason) => {
    const receiver = testReceiver({ forward });
    const answer = await receiver.post(JSON.stringify(validBeacon()), { headers: bearer });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(await answer.json()).toMatchObject({ type: `/problems/${reason}` });
    expect(receiver.refused()).toStrictEqual({ [reason]: 1 });
  });
});

describe('origins', () => {
  const body = JSON.stringify({ ...validBeacon(), token });

  it('answers a listed origin with CORS headers, also when it refuses', async () => {
    for (const sent of [body, '{']) {
      const answer = await testReceiver().post(sent, { headers: { origin: 'https://app.example.com' } });
      expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
      expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
      expect(answer.headers.get('vary')).toBe('Origin');
    }
  });

  it('answers a client that is no page without CORS headers, and still varies by Origin', async () => {
    const answer = await testReceiver().post(body);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(null);
    expect(answer.headers.get('vary')).toBe('Origin');
  });

  it.each([
    'https://evil.example.com',
    'null',
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'https://app.example.com:8443',
    'HTTPS://APP.EXAMPLE.COM',
  ])('refuses %s, with no CORS header', async (origin) => {
    const receiver = testReceiver();
    const answer = await receiver.post(body, { headers: { origin } });
    expect(answer.headers.get('access-control-allow-origin')).toBe(null);
    await expectRefused(receiver, answer, 'origin_forbidden');
  });

  const preflight = (receiver: TestReceiver, origin: string): Response =>
    receiver.preflight(
      new Request(BEACONS_URL, { method: 'OPTIONS', headers: { origin }, cf: { colo: 'SIN' } }),
      () => undefined,
    );

  it('answers the preflight of a listed origin', () => {
    const { status, headers } = preflight(testReceiver(), 'https://app.example.com');
    expect(status).toBe(204);
    expect(Object.fromEntries(headers)).toMatchObject({
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization, content-type, content-encoding',
      'access-control-max-age': '7200',
    });
  });

  it('refuses the preflight of any other, and counts it', async () => {
    const receiver = testReceiver();
    await expectRefused(receiver, preflight(receiver, 'https://evil.example.com'), 'origin_forbidden');
  });
});

describe('limits', () => {
  /** Lets each key through `times` times. */
  function limiter(times: number): RateLimit & { readonly keys: string[] } {
    const keys: string[] = [];
    return {
      keys,
      async limit({ key }) {
        keys.push(key);
        return { success: keys.filter((seen) => seen === key).length <= times };
      },
    };
  }

  it('hold a session that posts too often, by meeting and session', async () => {
    const session = limiter(2);
    const receiver = testReceiver({ limits: { session } });
    const post = () => receiver.post(JSON.stringify(validBeacon()), { headers: bearer });
    expect([(await post()).status, (await post()).status]).toStrictEqual([204, 204]);
    const answer = await post();
    expect(answer.headers.get('retry-after')).toBe('10');
    expect(answer.status).toBe(429);
    expect(receiver.refused()).toStrictEqual({ rate_limited: 1 });
    expect(new Set(session.keys)).toStrictEqual(new Set(['m-1/s-1']));
  });

  it('hold an address that keeps coming without a valid token, and no one with a valid one', async () => {
    const address = limiter(1);
    const receiver = testReceiver({ limits: { address } });
    const post = (headers: Record<string, string>) =>
      receiver.post(JSON.stringify(validBeacon()), { headers: { 'cf-connecting-ip': '192.0.2.7', ...headers } });
    expect([(await post({})).status, (await post({})).status]).toStrictEqual([401, 429]);
    expect((await post(bearer)).status).toBe(204);
    expect((await post({ 'cf-connecting-ip': '192.0.2.8' })).status).toBe(401);
    // The accepted beacon's call took along what was counted before it.
    expect(receiver.calls.map(({ batch }) => batch.refused)).toStrictEqual([{ token_missing: 1, rate_limited: 1 }]);
    expect(receiver.refused()).toStrictEqual({ token_missing: 1 });
  });

  it('let everybody in when they fail', async () => {
    const broken: RateLimit = { limit: () => Promise.reject(new Error('down')) };
    const receiver = testReceiver({ limits: { session: broken } });
    expect((await receiver.post(JSON.stringify(validBeacon()), { headers: bearer })).status).toBe(204);
  });
});

function entries(receiver: TestReceiver): Entry[] {
  return receiver.calls.flatMap(({ batch }) => batch.entries.map((entry) => JSON.parse(entry)));
}

/** A valid beacon of exactly so many bytes. */
function padded(bytes: number): string {
  const body = { ...validBeacon(), token, padding: '' };
  return JSON.stringify({ ...body, padding: 'x'.repeat(bytes - JSON.stringify(body).length) });
}

function stream(chunks: Uint8Array[]): ReadableStream {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

function part(value: unknown): string {
  return btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function unsigned(header: unknown): string {
  return `${part(header)}.${part(validClaims())}.`;
}

function withClaims(signed: string, claims: unknown): string {
  const [header, , signature] = signed.split('.');
  return `${header}.${part(claims)}.${signature}`;
}
