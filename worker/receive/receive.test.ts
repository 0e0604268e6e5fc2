import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { RejectReason } from '../../shared/reject.ts';
import invalidBeacons from '../../test/fixtures/invalid-beacons.json' with { type: 'json' };
import validBeacons from '../../test/fixtures/valid-beacons.json' with { type: 'json' };
import { validBeacon } from '../../test/support/edge/beacon.ts';
import type { ForwardAnswer } from '../forward/call.ts';
import { BEACONS_URL, expectRejected, NOW_MS, signedToken, type TestReceiver, testReceiver } from '../testing.ts';

const token = await signedToken();
const bearer = { authorization: `Bearer ${token}` };

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
    expect([...(receiver.calls[0]?.call.lanes ?? [])]).toStrictEqual([10]);
    expect(receiver.calls).toMatchObject([
      { name: 'apac:0', hint: 'apac', call: { sessions: ['m-1/s-1'], topology: 'topology-1' } },
    ]);
    expect(receiver.entries()).toStrictEqual([{ receivedAtMs: NOW_MS, colo: 'SIN', beacon: validBeacon() }]);
  });

  it('carries neither its token nor unknown fields on', async () => {
    const receiver = testReceiver();
    await receiver.post(
      JSON.stringify({ ...validBeacon(), token, user_agent: 'x', peers: [{ peer_id: 's-2', ip: '192.0.2.1' }] }),
    );
    const sent = receiver.calls.map(({ call }) => new TextDecoder().decode(call.entries)).join();
    expect(sent).toContain('s-2');
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
    expect(receiver.entries()[0]?.beacon.server).toStrictEqual({ url: label, type: 'webrtc' });
  });

  it('takes its region from cf, whatever headers and body say', async () => {
    const receiver = testReceiver();
    const body = JSON.stringify({ ...validBeacon(), region: 'apac' });
    await receiver.post(body, {
      headers: { ...bearer, 'x-dev-region': 'apac', 'cf-ray': '1-SIN' },
      cf: { colo: 'FRA' },
    });
    expect(receiver.calls.map(({ name }) => name)).toStrictEqual(['eu-west:0']);
  });

  it.each(validBeacons)('golden: $name', async ({ beacon, decoded }) => {
    const receiver = testReceiver();
    const own = await signedToken({ meeting_id: decoded.meeting_id, sub: decoded.session_id });
    const answer = await receiver.post(JSON.stringify({ ...beacon, token: own }));
    expect(answer.status).toBe(204);
    expect(receiver.entries()).toMatchObject([{ beacon: { session_id: decoded.session_id, seq: decoded.seq } }]);
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
    expect(receiver.entries()[0]?.beacon).toStrictEqual(validBeacon());
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
    ['a body that is not gzip', '{}', { 'content-encoding': 'gzip' }, 'damaged_encoding'],
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
    await expectRejected(receiver, await receiver.post(body, { headers }), reason);
  });

  it.each(invalidBeacons)('golden: $name', async ({ beacon, reason }) => {
    const receiver = testReceiver();
    const answer = await receiver.post(JSON.stringify(beacon), { headers: bearer });
    await expectRejected(receiver, answer, reason as RejectReason);
  });

  it('of a client that says more than it sends', async () => {
    const receiver = testReceiver();
    const broken = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode('{"v":1'));
        controller.error(new Error('connection lost'));
      },
    });
    await expectRejected(receiver, await receiver.post(broken), 'incomplete_body');
  });
});

describe("a Forwarder that can't", () => {
  it.each<[string, () => Promise<ForwardAnswer>, RejectReason]>([
    ['is unavailable', async () => ({ rejected: [{ index: 0, reason: 'unavailable' }] }), 'unavailable'],
    ['has a full spool', async () => ({ rejected: [{ index: 0, reason: 'spool_full' }] }), 'spool_full'],
    ['has failing storage', async () => ({ rejected: [{ index: 0, reason: 'storage_failed' }] }), 'storage_failed'],
    ['throws', () => Promise.reject(new Error('broken')), 'unavailable'],
  ])('%s: 503 with Retry-After, counted', async (_, forward, reason) => {
    const receiver = testReceiver({ forward });
    const answer = await receiver.post(JSON.stringify(validBeacon()), { headers: bearer });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(await answer.json()).toMatchObject({ type: `/problems/${reason}` });
    expect(receiver.rejectCounts()).toStrictEqual({ [reason]: 1 });
  });
});

describe('origins', () => {
  const body = JSON.stringify({ ...validBeacon(), token });

  it('answers a listed origin with CORS headers, also when it rejects', async () => {
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
  ])('rejects %s, with no CORS header', async (origin) => {
    const receiver = testReceiver();
    const answer = await receiver.post(body, { headers: { origin } });
    expect(answer.headers.get('access-control-allow-origin')).toBe(null);
    await expectRejected(receiver, answer, 'origin_forbidden');
  });

  const preflight = (receiver: TestReceiver, origin: string): Promise<Response> =>
    receiver.preflight(
      new Request(BEACONS_URL, { method: 'OPTIONS', headers: { origin }, cf: { colo: 'SIN' } }),
      () => undefined,
    );

  it('answers the preflight of a listed origin', async () => {
    const { status, headers } = await preflight(testReceiver(), 'https://app.example.com');
    expect(status).toBe(204);
    expect(Object.fromEntries(headers)).toMatchObject({
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization, content-type, content-encoding',
      'access-control-max-age': '7200',
    });
  });

  it('rejects the preflight of any other, and counts it', async () => {
    const receiver = testReceiver();
    await expectRejected(receiver, await preflight(receiver, 'https://evil.example.com'), 'origin_forbidden');
  });
});

/** A valid beacon of exactly `bytes` bytes. */
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
