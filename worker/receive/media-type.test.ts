import { expect, it } from 'vitest';
import { isBeaconMediaType } from './media-type.ts';

it.each([
  'text/plain',
  'text/plain;charset=UTF-8',
  'Text/Plain; Charset="utf-8"',
  'application/json',
  'application/json ; charset = us-ascii ;',
])('takes %s', (value) => {
  expect(isBeaconMediaType(value)).toBe(true);
});

it.each([
  '',
  'text',
  'text/plainer',
  'text/html',
  'text/plain; charset=utf-16',
  'text/plain; charset=utf-8=',
  'text/plain; boundary=x',
  'text/plain charset=utf-8',
  'application/json, text/plain',
])('does not take %j', (value) => {
  expect(isBeaconMediaType(value)).toBe(false);
});

it('looks at the length first: a value that is too long is not parsed, though it would be accepted', () => {
  expect(isBeaconMediaType(`text/plain${' '.repeat(100)}`)).toBe(true);
  expect(isBeaconMediaType(`text/plain${' '.repeat(200)}`)).toBe(false);
});
