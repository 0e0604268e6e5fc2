import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isId } from '../../../shared/beacon.ts';
import { createIdHash, hashId } from './id-hash.ts';

const SECRET = 'a-secret-of-thirty-two-bytes-for-ids';
const bytes = (text: string) => new TextEncoder().encode(text);

describe('the hash of an id', () => {
  it('is the one that was documented when it was chosen', () => {
    // printf %s 'Jefe'... of RFC 4231, test case 2, whose HMAC-SHA-256 begins 5bdcc146bf60754e6a042426089575c7.
    expect(hashId('Jefe', bytes('what do ya want for nothing?'))).toBe('h_5bdcc146bf60754e6a042426089575c7');
  });

  it('is an id, the same every time, and another with another secret', () => {
    const hash = createIdHash(SECRET);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (id) => {
        const first = hash(id);
        expect(isId(first)).toBe(true);
        expect(hash(id.slice())).toBe(first);
        expect(hashId(SECRET, id)).toBe(first);
        expect(hashId(`${SECRET}.`, id)).not.toBe(first);
      }),
    );
  });
});
