/** Checks what the worker signed with the same secret; see shared/canary.ts. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type CanaryClaim, canaryText } from '../../shared/canary.ts';

/** @param secret the worker's CANARY_SECRET, or its BEACON_SECRET where it has none */
export function createCanaryCheck(secret: string): (claim: CanaryClaim, signature: string) => boolean {
  return (claim, signature) => {
    const expected = createHmac('sha256', secret).update(canaryText(claim)).digest();
    const given = Buffer.from(signature, 'base64url');
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
}
