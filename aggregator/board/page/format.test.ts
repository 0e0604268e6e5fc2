import { describe, expect, it } from 'vitest';
import {
  bareMs,
  formatCount,
  formatPerSecond,
  formatPlace,
  formatRatio,
  formatSeconds,
  formatServer,
  plural,
  shortenHosts,
} from './format.js';

describe('a figure as text', () => {
  it.each([
    [formatSeconds, 0, '0 ms'],
    [formatSeconds, 0.3124, '312 ms'],
    [formatSeconds, undefined, '–'],
    [bareMs, 12.5, '12\u202f500'],
    [formatRatio, 0, '0 %'],
    [formatRatio, 0.00001, '< 0.1 %'],
    [formatRatio, 0.0214, '2.1 %'],
    [formatRatio, 0.25, '25 %'],
    [formatRatio, undefined, '–'],
    [formatPerSecond, 0, '0/s'],
    [formatPerSecond, 9.94, '9.9/s'],
    [formatPerSecond, 9.96, '10/s'],
    [formatPerSecond, undefined, '–'],
    [formatCount, 0, '0'],
    [formatCount, 999, '999'],
    [formatCount, 1_234_567, '1\u202f234\u202f567'],
    [formatCount, undefined, '–'],
  ])('%o of %s is %j', (format, value, expected) => {
    expect(format(value)).toBe(expected);
  });

  it.each([
    [0, '0 sessions'],
    [1, '1 session'],
    [2, '2 sessions'],
  ])('%d is %j', (count, expected) => {
    expect(plural(count, 'session')).toBe(expected);
  });
});

describe('a server', () => {
  it.each([
    ['https://media-1.example.com', 'webrtc', 'media-1.example.com'],
    ['wss://media-1.example.com', 'websocket', 'media-1.example.com'],
    ['https://media-1.example.com', 'websocket', 'https://media-1.example.com'],
    ['other', 'webrtc', 'other servers'],
  ])('%s by %s is called %s', (url, type, expected) => {
    expect(formatPlace({ url, type })).toBe(expected);
    expect(formatServer({ url, type })).toBe(`${type} ${expected}`);
  });

  it('that was not elected is not called none none', () => {
    expect(formatServer({ url: 'none', type: 'none' })).toBe('no server elected');
  });
});

describe('hosts without what they share', () => {
  const urls = ['https://media-1.example.com', 'wss://media-2.example.com', 'other'];
  it.each([
    ['webrtc media-1.example.com', urls, 'webrtc media-1'],
    ['other servers', urls, 'other servers'],
    ['webrtc media-1.example.com', urls.slice(0, 1), 'webrtc media-1'],
    ['webrtc localhost', ['https://localhost'], 'webrtc localhost'],
    ['webrtc example.com', ['https://example.com'], 'webrtc example.com'],
    ['webrtc a.one.net', ['https://a.one.net', 'https://a.two.org'], 'webrtc a.one.net'],
    ['webrtc sin.media.one.net', ['https://sin.media.one.net', 'https://fra.one.net'], 'webrtc sin.media'],
  ])('%s of %j', (text, all, short) => {
    expect(shortenHosts(all)(text)).toBe(short);
  });
});
