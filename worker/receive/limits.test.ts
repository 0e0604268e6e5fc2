import { describe, expect, it } from 'vitest';
import type { RejectReason } from '../../shared/reject.ts';
import { validBeacon } from '../../test/support/edge/beacon.ts';
import { NOW_MS, signedToken, type TestReceiver, testReceiver } from '../testing.ts';
import { BLOCK_MS } from './address.ts';
import { createLimits } from './limits.ts';

const token = await signedToken();
const bearer = { authorization: `Bearer ${token}` };
const IP = '192.0.2.7';

/** Lets each key through `times` times, as a rate-limit binding does. */
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

type Sent = { body?: BodyInit; headers?: Record<string, string>; ip?: string };

function post(receiver: TestReceiver, { body = JSON.stringify(validBeacon()), headers, ip = IP }: Sent) {
  return receiver.post(body, { headers: { 'cf-connecting-ip': ip, ...headers } });
}

async function statusOf(receiver: TestReceiver, sent: Sent = {}): Promise<number> {
  return (await post(receiver, sent)).status;
}

describe('the limit of a session', () => {
  it('holds by meeting and session, and rejects with rate_limited and Retry-After', async () => {
    const session = limiter(2);
    const receiver = testReceiver({ limits: { session } });
    expect([
      await statusOf(receiver, { headers: bearer }),
      await statusOf(receiver, { headers: bearer }),
    ]).toStrictEqual([204, 204]);
    const answer = await post(receiver, { headers: bearer });
    expect([answer.status, answer.headers.get('retry-after')]).toStrictEqual([429, '10']);
    expect(receiver.rejectCounts()).toStrictEqual({ rate_limited: 1 });
    expect(new Set(session.keys)).toStrictEqual(new Set(['m-1/s-1']));
  });

  it('counts what is no valid beacon too: the token says whose it is before the schema is checked', async () => {
    const receiver = testReceiver({ limits: { session: limiter(1) } });
    const bad = { body: JSON.stringify({ ...validBeacon(), rtt: 'x' }), headers: bearer };
    expect([await statusOf(receiver, bad), await statusOf(receiver, bad)]).toStrictEqual([422, 429]);
  });

  it('is not held against the address', async () => {
    const address = limiter(0);
    const receiver = testReceiver({ limits: { session: limiter(0), address } });
    expect(await statusOf(receiver, { headers: bearer })).toBe(429);
    expect(address.keys).toStrictEqual([]);
  });
});

describe('the limit of an address', () => {
  it.each<[RejectReason, Sent]>([
    ['origin_forbidden', { headers: { ...bearer, origin: 'https://evil.example.com' } }],
    ['unsupported_media_type', { headers: { ...bearer, 'content-type': 'text/html' } }],
    ['unsupported_encoding', { headers: { ...bearer, 'content-encoding': 'br' } }],
    ['body_too_large', { headers: bearer, body: 'x'.repeat(60_001) }],
    ['malformed_json', { headers: bearer, body: '{' }],
    ['damaged_encoding', { headers: { ...bearer, 'content-encoding': 'gzip' } }],
    ['token_missing', {}],
    ['token_invalid', { headers: { authorization: 'Bearer x' } }],
    ['session_mismatch', { headers: bearer, body: JSON.stringify(validBeacon({ session_id: 's-2' })) }],
    ['invalid_field', { headers: bearer, body: JSON.stringify({ ...validBeacon(), rtt: 'x' }) }],
  ])('counts %s, and once it is passed asks no limiter any more', async (reason, sent) => {
    const address = limiter(1);
    const receiver = testReceiver({ limits: { address } });
    await post(receiver, sent);
    expect(receiver.rejectCounts()).toStrictEqual({ [reason]: 1 });
    // Without the header's token, which may be a good one by now.
    const { authorization: _, ...headers } = sent.headers ?? {};
    for (let i = 0; i < 5; i++) expect(await statusOf(receiver, { ...sent, headers })).toBe(429);
    expect(address.keys).toStrictEqual([IP, IP]);
    expect(receiver.rejectCounts()).toStrictEqual({ rate_limited: 5 });
  });

  it('counts preflights of pages that may not post', async () => {
    const receiver = testReceiver({ limits: { address: limiter(1) } });
    const preflight = () => {
      const headers = { origin: 'https://evil.example.com', 'cf-connecting-ip': IP };
      return receiver.preflight(
        new Request('https://edge.example.com/', { method: 'OPTIONS', headers }),
        () => undefined,
      );
    };
    expect([(await preflight()).status, (await preflight()).status]).toStrictEqual([403, 429]);
  });

  it('does not count what is wrong on our side', async () => {
    const address = limiter(0);
    const receiver = testReceiver({
      limits: { address },
      forward: async () => ({ rejected: [{ index: 0, reason: 'unavailable' }] }),
    });
    expect(await statusOf(receiver, { headers: bearer })).toBe(503);
    expect(address.keys).toStrictEqual([]);
  });

  it('holds for a whole IPv6 /64, and for nobody beside it', async () => {
    const receiver = testReceiver({ limits: { address: limiter(1) } });
    expect(await statusOf(receiver, { ip: '2001:db8:0:1::1' })).toBe(401);
    expect(await statusOf(receiver, { ip: '2001:db8:0:1:ffff::2' })).toBe(429);
    expect(await statusOf(receiver, { ip: '2001:db8:0:2::1' })).toBe(401);
  });

  it('ends with the period', async () => {
    let nowMs = NOW_MS;
    const receiver = testReceiver({ limits: { address: limiter(0) }, now: () => nowMs });
    expect(await statusOf(receiver)).toBe(429);
    nowMs += BLOCK_MS - 1;
    expect(await statusOf(receiver, { headers: bearer })).toBe(429);
    nowMs += 1;
    expect(await statusOf(receiver, { headers: bearer })).toBe(204);
  });
});

describe('an address over its limit', () => {
  /** A receiver whose test address has just passed its limit. */
  async function blockedReceiver(first?: Sent): Promise<TestReceiver> {
    const receiver = testReceiver({ limits: { address: limiter(0) } });
    if (first) expect(await statusOf(receiver, first)).toBe(204);
    expect(await statusOf(receiver)).toBe(429);
    return receiver;
  }

  it('is not silenced for longer than the period by a clock that is set back', async () => {
    const limits = createLimits({ address: limiter(0) });
    const request = new Request('https://edge.example.com', { headers: { 'cf-connecting-ip': IP } });
    await limits.countReject(request, 'malformed_json', NOW_MS);
    expect(limits.isBlocked(request, NOW_MS)).toBe(true);
    expect(limits.isBlocked(request, NOW_MS - 3_600_000)).toBe(false);
  });

  it('is answered before its body is read', async () => {
    const receiver = await blockedReceiver();
    for (const headers of [{}, bearer, { authorization: 'Bearer x' }]) {
      let pulled = 0;
      const body = new ReadableStream({ pull: () => void pulled++ }, { highWaterMark: 0 });
      expect(await statusOf(receiver, { body, headers })).toBe(429);
      expect(pulled).toBe(0);
    }
  });

  it.each<[string, Sent]>([
    ['header', { headers: bearer }],
    ['body', { body: JSON.stringify({ ...validBeacon(), token }) }],
  ])(
    "still posts with a token in the %s that was verified before: one bad client can't silence an office",
    async (_, good) => {
      const receiver = await blockedReceiver(good);
      expect(await statusOf(receiver, good)).toBe(204);
      expect(await statusOf(receiver)).toBe(429);
      const { sub: _sub, ...other } = { sub: 's-2', token: await signedToken({ sub: 's-2' }) };
      expect(
        await statusOf(receiver, { body: JSON.stringify({ ...validBeacon({ session_id: 's-2' }), ...other }) }),
      ).toBe(429);
    },
  );

  it('is forgotten at the bound, the oldest first', async () => {
    const limits = createLimits({ address: limiter(0) }, 2);
    const from = (ip: string) => new Request('https://edge.example.com/', { headers: { 'cf-connecting-ip': ip } });
    const ips = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
    for (const ip of ips) await limits.countReject(from(ip), 'token_missing', NOW_MS);
    expect(ips.map((ip) => limits.isBlocked(from(ip), NOW_MS))).toStrictEqual([false, true, true]);
    for (const ip of ips) limits.noteVerified(from(ip));
    expect(ips.map((ip) => limits.hasVerified(from(ip)))).toStrictEqual([false, true, true]);
  });
});

describe('a limiter that fails', () => {
  const broken: RateLimit = { limit: () => Promise.reject(new Error('down')) };

  it('lets everybody in', async () => {
    const receiver = testReceiver({ limits: { session: broken, address: broken } });
    expect(await statusOf(receiver, { headers: bearer })).toBe(204);
    expect(await statusOf(receiver)).toBe(401);
    expect(await statusOf(receiver)).toBe(401);
  });

  it('is logged once a minute, not once a request', async () => {
    const lines: string[] = [];
    const { error } = console;
    console.error = (line: string) => lines.push(line);
    const receiver = testReceiver({ limits: { address: broken } });
    for (let i = 0; i < 20; i++) await statusOf(receiver);
    console.error = error;
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      message: 'rate limit binding failed; allowing requests',
    });
  });
});
