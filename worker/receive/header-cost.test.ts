/**
 * What a header costs before anything about its sender is known. Work is counted in characters that regular
 * expressions and string functions were given, so that the test is about growth and not about a machine's speed.
 */
import { afterEach, expect, it } from 'vitest';
import { validBeacon } from '../../test/support/edge/beacon.ts';
import { signedToken, testReceiver } from '../testing.ts';

/** Everything that reads a string from its start to its end, or again and again. */
const SCANS = ['trim', 'toLowerCase', 'split', 'includes', 'indexOf', 'replace', 'replaceAll', 'match'] as const;

const restore: (() => void)[] = [];
afterEach(() => {
  for (const undo of restore.splice(0)) undo();
});

/** Counts from here on, until the test ends. */
function countScannedCharacters(): () => number {
  let characters = 0;
  const wrap = (prototype: object, name: string, lengthOf: (self: unknown, args: unknown[]) => number) => {
    const original = Reflect.get(prototype, name) as (...args: unknown[]) => unknown;
    Reflect.set(prototype, name, function counted(this: unknown, ...args: unknown[]) {
      characters += lengthOf(this, args);
      return original.apply(this, args);
    });
    restore.push(() => Reflect.set(prototype, name, original));
  };
  for (const name of SCANS) wrap(String.prototype, name, (self) => String(self).length);
  for (const name of ['exec', 'test']) wrap(RegExp.prototype, name, (_, [text]) => String(text).length);
  return () => characters;
}

async function charactersScanned(header: string, value: string): Promise<number> {
  const receiver = testReceiver({ limits: { address: { limit: async () => ({ success: true }) } } });
  const body = JSON.stringify({ ...validBeacon(), token: await signedToken() });
  const scanned = countScannedCharacters();
  const answer = await receiver.post(body, { headers: { [header]: value } });
  const count = scanned();
  for (const undo of restore.splice(0)) undo();
  await answer.body?.cancel();
  return count;
}

it.each<[string, string, (length: number) => string]>([
  ['content-type', 'spaces after the type', (length) => `text/plain${' '.repeat(length)}x`],
  ['content-type', 'parameters', (length) => `text/plain${';'.repeat(length)}x`],
  ['content-encoding', 'spaces', (length) => `gzip${' '.repeat(length)}x`],
  ['authorization', 'spaces before the token', (length) => `Bearer${' '.repeat(length)}x`],
  ['authorization', 'spaces after the token', (length) => `Bearer x${' '.repeat(length)}x`],
  ['authorization', 'a long token', (length) => `Bearer ${'x'.repeat(length)}`],
  ['authorization', 'many parts', (length) => `Bearer ${'.'.repeat(length)}`],
  ['origin', 'ports', (length) => `http://a${':1'.repeat(length / 2)}`],
  ['cf-connecting-ip', 'colons', (length) => ':'.repeat(length)],
])('a long %s costs no more than a short one: %s', async (header, _, make) => {
  expect(await charactersScanned(header, make(120_000))).toBeLessThanOrEqual(
    (await charactersScanned(header, make(4_000))) + 200,
  );
});
