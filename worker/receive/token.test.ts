import { sign } from 'hono/jwt';
import { describe, expect, it } from 'vitest';
import type { RejectReason } from '../../shared/reject.ts';
import { validBeacon } from '../../test/support/edge/beacon.ts';
import { expectRejected, NOW_MS, SECRET, signedToken, testReceiver, validClaims } from '../testing.ts';
import { CLOCK_SKEW_MS } from './claims.ts';
import { bearerTokenOf, bodyTokenOf, createVerifier } from './token.ts';

const token = await signedToken();
const visit = { waitUntil: () => undefined, countError: () => undefined };
const claims = {
  ok: true,
  value: { meetingId: 'm-1', sessionId: 's-1', untilMs: NOW_MS + 3_600_000 + CLOCK_SKEW_MS },
};

describe('a verified token', () => {
  it('is answered from memory the second time, without a promise', async () => {
    const { verify } = createVerifier({ secret: SECRET });
    const token = await signedToken();
    const first = verify(token, NOW_MS, visit);
    expect(first).toBeInstanceOf(Promise);
    expect(await first).toStrictEqual(claims);
    expect(verify(token, NOW_MS, visit)).toStrictEqual(claims);
  });

  it('is forgotten when it expires', async () => {
    const { verify } = createVerifier({ secret: SECRET });
    const token = await signedToken({ exp: NOW_MS / 1000 + 60 });
    await verify(token, NOW_MS, visit);
    expect(await verify(token, NOW_MS + 89_999, visit)).toMatchObject({ ok: true });
    expect(await verify(token, NOW_MS + 90_000, visit)).toMatchObject({ reason: 'token_expired' });
    expect(await verify(token, NOW_MS + 90_001, visit)).toMatchObject({ reason: 'token_expired' });
  });

  it('makes room for newer ones at the bound', async () => {
    const { verify } = createVerifier({ secret: SECRET, rememberedMax: 2 });
    const tokens = await Promise.all(['s-1', 's-2', 's-3'].map((sub) => signedToken({ sub })));
    for (const token of tokens) await verify(token, NOW_MS, visit);
    const remembered = tokens.map((token) => !(verify(token, NOW_MS, visit) instanceof Promise));
    expect(remembered).toStrictEqual([false, true, true]);
  });
});

describe('a token that is written in another way', () => {
  const [head = '', payload = '', signature = ''] = token.split('.');
  const last = signature.slice(-1);
  it.each([
    ['padded', `${token}=`],
    ['with a space in its signature', `${head}.${payload}.${signature.slice(0, 5)}\n${signature.slice(5)}`],
    // 43 characters hold 258 bits, a signature 256.
    ['with other spare bits', token.slice(0, -1) + String.fromCharCode(last.charCodeAt(0) + 1)],
    ['with a fourth part', `${token}.`],
  ])('is invalid: %s', async (_, other) => {
    const { verify } = createVerifier({ secret: SECRET });
    expect(await verify(other, NOW_MS, visit)).toMatchObject({ reason: 'token_invalid' });
  });

  it('is invalid in the alphabet that is not for URLs', async () => {
    const { verify } = createVerifier({ secret: SECRET });
    for (let i = 0; i < 20; i++) {
      const [start = '', middle = '', end = ''] = (await signedToken({ jti: `${i}` })).split('.');
      const other = end.replaceAll('-', '+').replaceAll('_', '/');
      if (other === end) continue;
      expect(await verify(`${start}.${middle}.${other}`, NOW_MS, visit)).toMatchObject({ reason: 'token_invalid' });
    }
  });
});

describe('a revoked token', () => {
  it.each([
    ['session', 'm-1/s-1'],
    ['key id', 'key-7'],
  ])('is rejected by its %s, and no other is', async (_, entry) => {
    const receiver = testReceiver({ tokens: { revoked: new Set([entry]) } });
    const key = { kid: 'key-7', alg: 'HS256', kty: 'oct', k: btoa(SECRET).replaceAll('=', '') };
    const own = await sign(validClaims(), key as unknown as CryptoKey, 'HS256');
    await expectRejected(
      receiver,
      await receiver.post(JSON.stringify({ ...validBeacon(), token: own })),
      'token_revoked',
    );
    const other = await signedToken({ sub: 's-2' });
    const answer = await receiver.post(JSON.stringify({ ...validBeacon({ session_id: 's-2' }), token: other }));
    expect(answer.status).toBe(204);
  });

  it('is rejected from the moment that it is listed, also when it was verified before', async () => {
    const revoked = new Set<string>();
    const { verify, isVerified } = createVerifier({ secret: SECRET, revoked });
    await verify(token, NOW_MS, visit);
    expect(isVerified(token, NOW_MS)).toBe(true);
    revoked.add('m-1/s-1');
    expect(isVerified(token, NOW_MS)).toBe(false);
    expect(verify(token, NOW_MS, visit)).toMatchObject({ reason: 'token_revoked' });
    expect(await verify(token, NOW_MS, visit)).toMatchObject({ reason: 'token_revoked' });
  });
});

it('a rejected token is never remembered', async () => {
  const { verify } = createVerifier({ secret: SECRET });
  const token = await signedToken({}, 'another-secret-0123456789abcdef012345');
  await verify(token, NOW_MS, visit);
  expect(verify(token, NOW_MS, visit)).toBeInstanceOf(Promise);
});

describe('the token of a beacon', () => {
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
    ['exp in milliseconds', () => signedToken({ exp: NOW_MS + 60_000 }), 'token_invalid'],
    ['valid for more than a day', () => signedToken({ exp: seconds + 86_461 }), 'token_invalid'],
    ['valid for ever', () => signedToken({ exp: 4_102_444_800 }), 'token_invalid'],
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
    await expectRejected(receiver, await receiver.post(JSON.stringify({ ...validBeacon(), token: made })), reason);
    const headers = { authorization: `Bearer ${made}` };
    await expectRejected(receiver, await receiver.post(JSON.stringify(validBeacon()), { headers }), reason);
  });

  it.each<[string, { [claim: string]: unknown }]>([
    ['29 s after it expired', { exp: seconds - 29 }],
    ['30 s before it becomes valid', { nbf: seconds + 30 }],
    ['issued by a clock ahead of ours', { iat: seconds + 25 }],
    ['valid for a day, by a clock ahead of ours', { exp: seconds + 86_400 + 30 }],
    ['with several audiences', { aud: ['other', 'edgepulse'] }],
  ])('accepts a token %s', async (_, claims) => {
    const own = await signedToken(claims);
    expect((await testReceiver().post(JSON.stringify({ ...validBeacon(), token: own }))).status).toBe(204);
  });

  it.each([
    ['a number', 7],
    ['null', null],
    ['an object', {}],
  ])('in the body as %s counts as missing', async (_, value) => {
    const receiver = testReceiver();
    await expectRejected(
      receiver,
      await receiver.post(JSON.stringify({ ...validBeacon(), token: value })),
      'token_missing',
    );
  });

  it.each<[string, object, string]>([
    ['in milliseconds', { exp: NOW_MS + 60_000 }, 'exp is in milliseconds; it counts seconds'],
    ['too far ahead', { exp: seconds + 86_461 }, 'exp is more than 86400 s ahead'],
  ])('says what is wrong with an exp %s', async (_, claims, detail) => {
    const own = await signedToken({ ...claims });
    const answer = await testReceiver().post(JSON.stringify({ ...validBeacon(), token: own }));
    expect(await answer.json()).toMatchObject({ type: '/problems/token_invalid', detail });
  });

  it('may live for as long as is configured', async () => {
    const receiver = testReceiver({ tokens: { maxSeconds: 600 } });
    const status = async (exp: number) =>
      (await receiver.post(JSON.stringify({ ...validBeacon(), token: await signedToken({ exp }) }))).status;
    expect([await status(seconds + 600), await status(seconds + 700)]).toStrictEqual([204, 401]);
  });

  it('never comes back in an answer', async () => {
    const own = await signedToken({ exp: seconds - 60 });
    const text = await (await testReceiver().post(JSON.stringify({ ...validBeacon(), token: own }))).text();
    expect(text).not.toContain(own.slice(0, 12));
  });
});

it.each<[string | null, string | undefined]>([
  ['Bearer abc', 'abc'],
  ['bearer   abc ', 'abc'],
  ['Basic abc', undefined],
  ['Bearer', undefined],
  ['Bearer a b', undefined],
  [null, undefined],
])('the token of the header %j is %j', (authorization, expected) => {
  expect(bearerTokenOf(authorization)).toBe(expected);
});

it.each<[unknown, string | undefined]>([
  [{ token: 'xyz' }, 'xyz'],
  [{ token: 7 }, undefined],
  [{}, undefined],
  [[], undefined],
  [null, undefined],
  ['token', undefined],
])('the token of the body %j is %j', (body, expected) => {
  expect(bodyTokenOf(body)).toBe(expected);
});

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
