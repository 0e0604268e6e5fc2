/** A JWKS (RFC 7517) from its HTTP response to keys that verify: read within a bound, with what is of no use left out. */

export type JwksAlgorithm = 'EdDSA' | 'ES256';
export type JwksKey = { readonly alg: JwksAlgorithm; readonly key: CryptoKey };
/** Usable keys by their `kid`. */
export type KeySet = ReadonlyMap<string, JwksKey>;

/** Room for 64 keys with their certificate chains; a source that sends more is broken or hostile. */
const RESPONSE_BYTES_MAX = 64 * 1024;
/** Counts usable keys only: keys that can't verify a token here take no slot. */
const KEYS_MAX = 64;

/** @throws Error when the response is no key set, is larger than 64 KiB, or lists keys of which none can be used */
export async function readKeySet(response: Response): Promise<KeySet> {
  const set: unknown = JSON.parse(await readBounded(response));
  const listed = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined;
  if (!Array.isArray(listed)) throw new TypeError('not a JSON Web Key Set');
  const keys = new Map<string, JwksKey>();
  for (const item of listed) {
    if (keys.size >= KEYS_MAX) break;
    const jwk = item as (JsonWebKey & { kid?: unknown }) | null;
    const alg = algorithmOf(jwk);
    if (!alg || typeof jwk?.kid !== 'string') continue;
    const key = await importKey(jwk, alg);
    if (key) keys.set(jwk.kid, { alg, key });
  }
  if (listed.length > 0 && keys.size === 0) throw new TypeError('the JSON Web Key Set has no usable key');
  return keys;
}

/** The response's text. Stops reading, and so the transfer, as soon as there is too much. */
async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (bytes > RESPONSE_BYTES_MAX) throw new RangeError(`more than ${RESPONSE_BYTES_MAX} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** The algorithm follows from the key, never from the token (RFC 8725, 3.1). */
function algorithmOf(jwk: JsonWebKey | null): JwksAlgorithm | undefined {
  if (typeof jwk !== 'object' || jwk === null || (jwk.use !== undefined && jwk.use !== 'sig')) return undefined;
  const alg = jwk.kty === 'OKP' && jwk.crv === 'Ed25519' ? 'EdDSA' : jwk.kty === 'EC' && jwk.crv === 'P-256' && 'ES256';
  return alg && (jwk.alg === undefined || jwk.alg === alg) ? alg : undefined;
}

/** Undefined for a malformed key: it must not keep the good keys beside it from being used. */
async function importKey(jwk: JsonWebKey, alg: JwksAlgorithm): Promise<CryptoKey | undefined> {
  const { kty, crv, x, y } = jwk;
  const algorithm = alg === 'EdDSA' ? { name: 'Ed25519' } : { name: 'ECDSA', namedCurve: 'P-256' };
  const publicPart = alg === 'EdDSA' ? { kty, crv, x } : { kty, crv, x, y };
  try {
    return await crypto.subtle.importKey('jwk', publicPart as JsonWebKey, algorithm, false, ['verify']);
  } catch {
    return undefined;
  }
}
