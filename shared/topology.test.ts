import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { LanesSchema, SessionTtlSchema, type Topology, topologyFingerprint } from './topology.ts';

const topology: Topology = {
  regions: ['us-east', 'apac'],
  servers: ['https://media-1.example.com', 'wss://media-1.example.com'],
  lanes: 16,
  ttlSeconds: 30,
};

describe('topologyFingerprint', () => {
  it('is the same in every version: processes of different versions compare theirs', () => {
    expect(topologyFingerprint(topology)).toBe('f36a7aa94f5adf7a');
  });

  it('is 16 hexadecimal digits, whatever the order of regions and servers', () => {
    const shuffled = (items: readonly string[]) =>
      fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
    fc.assert(
      fc.property(
        fc
          .uniqueArray(fc.stringMatching(/^[a-z0-9]{1,8}$/))
          .chain((names) => fc.tuple(fc.constant(names), shuffled(names))),
        fc.uniqueArray(fc.webUrl()).chain((urls) => fc.tuple(fc.constant(urls), shuffled(urls))),
        fc.integer({ min: 1, max: 256 }),
        ([regions, otherRegions], [servers, otherServers], lanes) => {
          const fingerprint = topologyFingerprint({ regions, servers, lanes, ttlSeconds: 30 });
          expect(fingerprint).toMatch(/^[0-9a-f]{16}$/);
          const shuffledTopology = { regions: otherRegions, servers: otherServers, lanes, ttlSeconds: 30 };
          expect(topologyFingerprint(shuffledTopology)).toBe(fingerprint);
        },
      ),
    );
  });

  it.each<[string, Partial<Topology>]>([
    ['another region', { regions: ['us-east', 'apac', 'oc'] }],
    ['a region less', { regions: ['us-east'] }],
    ['another server', { servers: [...topology.servers, 'https://media-2.example.com'] }],
    ['a server less', { servers: topology.servers.slice(1) }],
    [
      'a server that moved into the regions',
      { regions: [...topology.regions, 'x'], servers: topology.servers.slice(1) },
    ],
    ['other lanes', { lanes: 4 }],
    ['another TTL', { ttlSeconds: 60 }],
  ])('changes with %s', (_, change) => {
    expect(topologyFingerprint({ ...topology, ...change })).not.toBe(topologyFingerprint(topology));
  });
});

describe('SessionTtlSchema', () => {
  it.each([
    ['1', 1],
    ['3600', 3_600],
    [undefined, 30],
  ])('reads %o', (text, seconds) => {
    expect(v.parse(SessionTtlSchema, text)).toBe(seconds);
  });

  it.each(['0', '3601', '', '30s', '2.5', '-1', 30])('rejects %o', (value) => {
    const { issues } = v.safeParse(SessionTtlSchema, value);
    expect(issues?.map(({ message }) => message)).toEqual(['is not an integer from 1 to 3600']);
  });
});

describe('LanesSchema', () => {
  it.each(['1', '16', '256'])('accepts %s', (text) => {
    expect(v.parse(LanesSchema, text)).toBe(Number(text));
  });

  it.each(['0', '257', '', '16x', '1.5', '-1', 16, undefined])('rejects %o', (value) => {
    const { issues } = v.safeParse(LanesSchema, value);
    expect(issues?.map(({ message }) => message)).toEqual(['is not an integer from 1 to 256']);
  });
});
