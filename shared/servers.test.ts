import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { OTHER_SERVER, ServersSchema, serverLabeler } from './servers.ts';

const label = serverLabeler(v.parse(ServersSchema, 'https://media-1.example.com, wss://media-1.example.com:8443'));

describe('serverLabeler', () => {
  it.each([
    ['https://media-1.example.com', 'https://media-1.example.com'],
    ['https://media-1.example.com/room/7?user=x#y', 'https://media-1.example.com'],
    ['HTTPS://Media-1.Example.com:443/', 'https://media-1.example.com'],
    ['https://user:password@media-1.example.com/', 'https://media-1.example.com'],
    ['wss://media-1.example.com:8443/ws', 'wss://media-1.example.com:8443'],
    ['wss://media-1.example.com', OTHER_SERVER],
    ['http://media-1.example.com', OTHER_SERVER],
    ['https://media-1.example.com.evil.example', OTHER_SERVER],
    ['https://evil.example/?https://media-1.example.com', OTHER_SERVER],
    ['media-1.example.com', OTHER_SERVER],
    ['javascript:alert(1)', OTHER_SERVER],
    ['', OTHER_SERVER],
  ])('%s -> %s', (url, expected) => {
    expect(label(url)).toBe(expected);
  });
});

describe('ServersSchema', () => {
  it('takes a list or one string, and keeps each origin once', () => {
    const expected = ['https://a.example', 'https://b.example:8443'];
    expect(v.parse(ServersSchema, ['https://a.example/x', 'https://a.example', 'https://b.example:8443'])).toEqual(
      expected,
    );
    expect(v.parse(ServersSchema, ' https://a.example,, https://b.example:8443 ')).toEqual(expected);
  });

  it.each([
    ['no URL', ['media-1']],
    ['no host', ['mailto:x']],
    ['a number', 7],
    ['too many', Array(257).fill('https://a.example')],
  ])('rejects %s', (_, value) => {
    expect(v.safeParse(ServersSchema, value).success).toBe(false);
  });
});
