import { sign } from 'hono/jwt';
import { describe, expect, it } from 'vitest';
import { validBeacon } from '../../test/support/edge/beacon.ts';
import { NOW_MS, SECRET, type TestReceiver, testReceiver, validClaims } from '../testing.ts';
import { createJwks, type Jwks, type JwksVisit } from './jwks.ts';
import type { JwksAlgorithm } from './key-set.ts';

type TestKey = {
  readonly kid: string;
  readonly public: JsonWebKey;
  readonly sign: (claims?: object) => Promise<string>;
};

async function makeKey(alg: JwksAlgorithm, kid: string): Promise<TestKey> {
  const algorithm = alg === 'EdDSA' ? { name: 'Ed25519' } : { name: 'ECDSA', namedCurve: 'P-256' };
  const pair = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const secretPart = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as JsonWebKey;
  const publicPart = (await crypto.subtle.exportKey('jwk', pair.publicKey)) as JsonWebKey;
  const { kty, crv, x, y, d } = secretPart;
  // hono takes the key id of the token's header from the key.
  const signingKey = { kty, crv, x, ...(y === undefined ? {} : { y }), d, alg, kid } as unknown as CryptoKey;
  return {
    kid,
    public: { ...publicPart, kid, use: 'sig' } as JsonWebKey,
    sign: (claims = {}) => sign({ ...validClaims(), ...claims }, signingKey, alg),
  };
}

const [edwards, elliptic, rotated] = await Promise.all([
  makeKey('EdDSA', 'ed-1'),
  makeKey('ES256', 'es-1'),
  makeKey('EdDSA', 'ed-2'),
]);

/** A JWKS address whose answer and clock the test moves. */
function keySource(keys: readonly object[]) {
  const source = {
    answer: () => Response.json({ keys: source.keys }),
    keys,
    fetches: 0,
    nowMs: NOW_MS,
    jwks: undefined as unknown as Jwks,
  };
  source.jwks = createJwks({
    url: 'https://backend.example.com/jwks.json',
    fetch: async () => {
      source.fetches += 1;
      return source.answer();
    },
    now: () => source.nowMs,
  });
  return source;
}

function visitOf(held: Promise<unknown>[]): JwksVisit {
  return { waitUntil: (work) => held.push(work), countError: () => undefined };
}

async function post(receiver: TestReceiver, token: string): Promise<string> {
  const answer = await receiver.post(JSON.stringify({ ...validBeacon(), token }));
  if (answer.status === 204) return 'accepted';
  const { type } = (await answer.json()) as { type: string };
  return type.replace('/problems/', '');
}

describe('tokens signed with a key of the JWKS', () => {
  it.each([edwards, elliptic])('are accepted: $kid', async (key) => {
    const receiver = testReceiver({ jwks: keySource([edwards.public, elliptic.public]).jwks });
    expect(await post(receiver, await key.sign())).toBe('accepted');
  });

  it('are checked like any other', async () => {
    const receiver = testReceiver({ jwks: keySource([edwards.public]).jwks });
    expect(await post(receiver, await edwards.sign({ exp: NOW_MS / 1000 - 60 }))).toBe('token_expired');
    expect(await post(receiver, await edwards.sign({ aud: 'other' }))).toBe('token_audience');
    expect(await post(receiver, await edwards.sign({ sub: 's-2' }))).toBe('session_mismatch');
  });

  it('are rejected when the id is that of another key', async () => {
    const impostor = await makeKey('EdDSA', 'ed-1');
    const receiver = testReceiver({ jwks: keySource([edwards.public]).jwks });
    expect(await post(receiver, await impostor.sign())).toBe('token_invalid');
  });

  it('are rejected without any JWKS', async () => {
    expect(await post(testReceiver(), await edwards.sign())).toBe('token_invalid');
  });

  it.each<[string, object]>([
    ['for encryption', { ...elliptic.public, use: 'enc' }],
    ['of another algorithm', { ...elliptic.public, alg: 'ES512' }],
    ['without an id', { ...elliptic.public, kid: undefined }],
    ['that is symmetric', { kty: 'oct', k: 'c2VjcmV0', kid: 'es-1', alg: 'HS256' }],
    ['on another curve', { ...elliptic.public, crv: 'P-384' }],
  ])('are not verified with a key %s, and the keys beside it still work', async (_, key) => {
    const receiver = testReceiver({ jwks: keySource([key, edwards.public]).jwks });
    expect(await post(receiver, await elliptic.sign())).toBe('token_invalid');
    expect(await post(receiver, await edwards.sign())).toBe('accepted');
  });

  it.each<[string, unknown]>([
    ['x that is no base64', { ...edwards.public, kid: 'bad', x: '%%%' }],
    ['x of another length', { ...edwards.public, kid: 'bad', x: 'AAAA' }],
    ['no x', { ...edwards.public, kid: 'bad', x: undefined }],
    ['a point that is not on its curve', { ...elliptic.public, kid: 'bad', y: elliptic.public.x }],
    ['null', null],
    ['text', 'key'],
  ])('are accepted beside a malformed key: %s', async (_, malformed) => {
    const receiver = testReceiver({ jwks: keySource([malformed as object, edwards.public]).jwks });
    expect(await post(receiver, await edwards.sign())).toBe('accepted');
  });

  it('are accepted when their key comes after a hundred that are of no use here', async () => {
    const rsa = Array.from({ length: 100 }, (_, i) => ({ kty: 'RSA', kid: `rsa-${i}`, n: 'AQAB', e: 'AQAB' }));
    const receiver = testReceiver({ jwks: keySource([...rsa, edwards.public]).jwks });
    expect(await post(receiver, await edwards.sign())).toBe('accepted');
  });
});

describe('algorithm confusion', () => {
  it.each([
    ["the JWK's text", JSON.stringify(edwards.public)],
    ['its x coordinate', String(edwards.public.x)],
  ])('an HS256 token whose secret is %s is rejected', async (_, secret) => {
    const key = await crypto.subtle.importKey(
      'raw',
      new TextEncoder().encode(secret),
      { name: 'HMAC', hash: 'SHA-256' },
      true,
      ['sign'],
    );
    const jwk = (await crypto.subtle.exportKey('jwk', key)) as JsonWebKey;
    const signingKey = { ...jwk, alg: 'HS256', kid: 'ed-1' } as unknown as CryptoKey;
    const receiver = testReceiver({ jwks: keySource([edwards.public]).jwks });
    expect(await post(receiver, await sign(validClaims(), signingKey, 'HS256'))).toBe('token_invalid');
    expect(await post(receiver, await sign(validClaims(), SECRET, 'HS256'))).toBe('accepted');
  });

  it('an ES256 token that names an EdDSA key is rejected', async () => {
    const receiver = testReceiver({ jwks: keySource([edwards.public]).jwks });
    const other = await makeKey('ES256', 'ed-1');
    expect(await post(receiver, await other.sign())).toBe('token_invalid');
  });
});

describe('key rotation', () => {
  it('needs no restart: an unknown key id is looked up again', async () => {
    const source = keySource([edwards.public]);
    const receiver = testReceiver({ jwks: source.jwks });
    await post(receiver, await edwards.sign());
    source.keys = [rotated.public];
    source.nowMs += 10_000;
    expect(await post(receiver, await rotated.sign())).toBe('accepted');
  });

  it('forgets a key that is gone when it next looks', async () => {
    const source = keySource([edwards.public]);
    const receiver = testReceiver({ jwks: source.jwks });
    await post(receiver, await edwards.sign());
    source.keys = [rotated.public];
    source.nowMs += 10_000;
    await post(receiver, await rotated.sign());
    expect(await post(receiver, await edwards.sign({ exp: NOW_MS / 1000 + 7200 }))).toBe('token_invalid');
  });

  it('is noticed also when the clock was set back by an hour meanwhile', async () => {
    const source = keySource([edwards.public]);
    const receiver = testReceiver({ jwks: source.jwks });
    expect(await post(receiver, await edwards.sign())).toBe('accepted');
    source.keys = [rotated.public];
    source.nowMs -= 3_600_000;
    expect(await post(receiver, await rotated.sign())).toBe('accepted');
  });

  it("can't be made a flood of fetches by invented key ids", async () => {
    const source = keySource([edwards.public]);
    const receiver = testReceiver({ jwks: source.jwks });
    await post(receiver, await edwards.sign());
    for (let i = 0; i < 50; i++) {
      const stranger = { ...rotated, sign: (await makeKey('EdDSA', `k-${i}`)).sign };
      expect(await post(receiver, await stranger.sign())).toBe('token_invalid');
    }
    expect(source.fetches).toBe(1);
  });

  it('refreshes old keys behind the request that notices', async () => {
    const source = keySource([edwards.public]);
    const held: Promise<unknown>[] = [];
    const visit = visitOf(held);
    await source.jwks.find('ed-1', visit);
    source.nowMs += 11 * 60_000;
    expect(await source.jwks.find('ed-1', visit)).toMatchObject({ ok: true });
    await Promise.all(held);
    expect(source.fetches).toBe(2);
  });
});

describe("a JWKS that can't be reached", () => {
  it.each<[string, () => Response]>([
    [
      'fails',
      () => {
        throw new TypeError('network');
      },
    ],
    ['answers 500', () => new Response('', { status: 500 })],
    ['redirects', () => Response.redirect('https://evil.example.com/')],
    ['answers something else', () => Response.json({ hello: 'world' })],
    ['answers no JSON', () => new Response('<html>')],
    ['lists keys of which none can be used', () => Response.json({ keys: [{ kty: 'RSA', kid: 'rsa-1' }] })],
    ['answers more than 64 KiB', () => Response.json({ keys: [rotated.public], padding: 'x'.repeat(65_536) })],
  ])('keeps the last good keys when it %s, and counts it', async (_, answer) => {
    const source = keySource([edwards.public]);
    const receiver = testReceiver({ jwks: source.jwks });
    await post(receiver, await edwards.sign());
    source.answer = answer;
    source.nowMs += 60_000;
    // It may be a new key, so the answer must not say that the token is bad.
    expect(await post(receiver, await rotated.sign())).toBe('unavailable');
    expect(await post(receiver, await edwards.sign({ exp: NOW_MS / 1000 + 7200 }))).toBe('accepted');
    expect(receiver.calls.map(({ call }) => call.counts?.jwksErrors ?? 0)).toStrictEqual([0, 1]);
  });

  it('from the start: 503, since nobody can tell whether the token is good, and tried again soon', async () => {
    const source = keySource([edwards.public]);
    const { answer } = source;
    source.answer = () => new Response('', { status: 500 });
    const receiver = testReceiver({ jwks: source.jwks });
    expect(await post(receiver, await edwards.sign())).toBe('unavailable');
    expect(await post(receiver, await edwards.sign())).toBe('unavailable');
    expect(source.fetches).toBe(1);
    source.answer = answer;
    source.nowMs += 1_000;
    expect(await post(receiver, await edwards.sign())).toBe('accepted');
  });

  it('is read no further than 64 KiB', async () => {
    let chunks = 0;
    const endless = new ReadableStream({
      pull(controller) {
        chunks += 1;
        controller.enqueue(new TextEncoder().encode(' '.repeat(16_384)));
      },
    });
    const source = keySource([]);
    source.answer = () => new Response(endless);
    expect(await post(testReceiver({ jwks: source.jwks }), await edwards.sign())).toBe('unavailable');
    expect(chunks).toBeLessThan(8);
  });

  it('is asked ever more rarely, and at least once a minute, while its last good keys are in use', async () => {
    const source = keySource([edwards.public]);
    const { answer } = source;
    await source.jwks.find('ed-1', visitOf([]));
    source.answer = () => new Response('', { status: 500 });
    const fetchedAtSeconds: number[] = [];
    for (let second = 0; second < 300; second++) {
      source.nowMs += 1_000;
      const before = source.fetches;
      expect(await source.jwks.find('ed-2', visitOf([]))).toMatchObject({
        reason: second < 9 ? 'token_invalid' : 'unavailable',
      });
      expect(await source.jwks.find('ed-1', visitOf([]))).toMatchObject({ ok: true });
      if (source.fetches > before) fetchedAtSeconds.push(second + 1);
    }
    expect(fetchedAtSeconds).toStrictEqual([10, 20, 40, 80, 140, 200, 260]);
    source.answer = answer;
    source.nowMs += 60_000;
    expect(await source.jwks.find('ed-2', visitOf([]))).toMatchObject({ reason: 'token_invalid' });
  });
});
