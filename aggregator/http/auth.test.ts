import { expect, it } from 'vitest';
import { createAuthorize } from './auth.ts';

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

it.each<[string | undefined, boolean]>([
  [undefined, false],
  ['', false],
  ['Bearer', false],
  ['Bearer s3cret', true],
  ['bearer  s3cret ', true],
  ['Bearer s3cre', false],
  ['Bearer s3cret2', false],
  ['s3cret', false],
  ['Token s3cret', false],
  [basic('prometheus:s3cret'), true],
  [basic(':s3cret'), true],
  [basic('s3cret:wrong'), false],
])('%s -> %s', (authorization, expected) => {
  expect(createAuthorize('s3cret')(authorization)).toBe(expected);
});

it('lets everybody in when there is no token', () => {
  expect(createAuthorize(undefined)(undefined)).toBe(true);
});
