import { describe, expect, it } from 'vitest';
import { NOW_MS, SECRET, signedToken } from '../testing.ts';
import { createVerifier, tokenOf } from './token.ts';

const visit = { hold: () => undefined, countError: () => undefined };
const claims = { ok: true, value: { meetingId: 'm-1', sessionId: 's-1' } };

describe('a verified token', () => {
  it('is answered from memory the second time, without a promise', async () => {
    const verify = createVerifier({ secret: SECRET });
    const token = await signedToken();
    const first = verify(token, NOW_MS, visit);
    expect(first).toBeInstanceOf(Promise);
    expect(await first).toStrictEqual(claims);
    expect(verify(token, NOW_MS, visit)).toStrictEqual(claims);
  });

  it('is forgotten when it expires', async () => {
    const verify = createVerifier({ secret: SECRET });
    const token = await signedToken({ exp: NOW_MS / 1000 + 60 });
    await verify(token, NOW_MS, visit);
    expect(await verify(token, NOW_MS + 89_999, visit)).toStrictEqual(claims);
    expect(await verify(token, NOW_MS + 90_000, visit)).toMatchObject({ reason: 'token_expired' });
    expect(await verify(token, NOW_MS + 90_001, visit)).toMatchObject({ reason: 'token_expired' });
  });

  it('makes room for newer ones at the bound', async () => {
    const verify = createVerifier({ secret: SECRET, rememberedMax: 2 });
    const tokens = await Promise.all(['s-1', 's-2', 's-3'].map((sub) => signedToken({ sub })));
    for (const token of tokens) await verify(token, NOW_MS, visit);
    const remembered = tokens.map((token) => !(verify(token, NOW_MS, visit) instanceof Promise));
    expect(remembered).toStrictEqual([false, true, true]);
  });
});

it('a refused token is never remembered', async () => {
  const verify = createVerifier({ secret: SECRET });
  const token = await signedToken({}, 'another-secret-0123456789abcdef012345');
  await verify(token, NOW_MS, visit);
  expect(verify(token, NOW_MS, visit)).toBeInstanceOf(Promise);
});

it.each<[string | null, unknown, string | undefined]>([
  ['Bearer abc', {}, 'abc'],
  ['bearer   abc ', {}, 'abc'],
  ['Bearer abc', { token: 'xyz' }, 'abc'],
  ['Basic abc', { token: 'xyz' }, 'xyz'],
  ['Bearer', { token: 'xyz' }, 'xyz'],
  [null, { token: 'xyz' }, 'xyz'],
  [null, { token: 7 }, undefined],
  [null, [], undefined],
  [null, null, undefined],
  [null, 'token', undefined],
])('tokenOf(%j, %j) is %j', (authorization, body, expected) => {
  expect(tokenOf(authorization, body)).toBe(expected);
});
