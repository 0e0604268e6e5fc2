/**
 * Keyed hashes in the place of ids that may name a person. They are stable, so that somebody whose id is known can be found
 * (`npm run -s hash-id`), and without the key nobody can be found by trying addresses.
 */
import { createHmac } from 'node:crypto';
import { createRecent } from './recent.ts';

/** The hash of an id, which is an id itself. */
export type IdHash = (id: Uint8Array) => string;

/**
 * `h_` and the first 32 hexadecimal digits of HMAC-SHA256 of the id's bytes, with the secret's UTF-8 as the key.
 * @see https://www.rfc-editor.org/rfc/rfc2104
 */
export function hashId(secret: string, id: Uint8Array): string {
  const digest = createHmac('sha256', secret).update(id).digest();
  // A text of its own, of one piece: it is kept for as long as the session lives.
  return Buffer.from(`h_${digest.toString('hex', 0, HASH_BYTES)}`, 'latin1').toString('latin1');
}

/** 128 bits: two of a billion ids are the same with a probability of one to 10^20. */
const HASH_BYTES = 16;

/** Of about 200 bytes each. */
const CACHED_MAX = 200_000;

/** Remembers what it was asked for lately: a client says who it is in every packet. */
export function createIdHash(secret: string): IdHash {
  const known = createRecent<string>(CACHED_MAX);
  return (id) => {
    const key = Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
    const found = known.get(key);
    if (found !== undefined) return found;
    const hash = hashId(secret, id);
    known.set(key, hash);
    return hash;
  };
}
