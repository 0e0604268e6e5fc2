import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  edgeSubject,
  forwarderSubject,
  isLane,
  laneName,
  laneOf,
  lanesOf,
  parseEdgeSubject,
  parseForwarderSubject,
  parseMediaSubject,
} from './subjects.ts';

describe('edgeSubject', () => {
  it("is the contract's subject", () => {
    expect(edgeSubject('apac', 'f03')).toBe('health.diagnostics.apac.edge.f03');
    expect(edgeSubject('apac', '*')).toBe('health.diagnostics.apac.edge.*');
  });

  it.each([
    ['apac.edge', 'f00'],
    ['*', 'f00'],
    ['>', 'f00'],
    ['', 'f00'],
    ['Apac', 'f00'],
    ['-apac', 'f00'],
    ['a'.repeat(33), 'f00'],
    ['apac', 'f0'],
    ['apac', '>'],
    ['apac', 'f00.x'],
    ['apac', 'f00\n'],
  ])('rejects the tokens %j, %j', (region, lane) => {
    expect(() => edgeSubject(region, lane)).toThrow(RangeError);
  });

  it('is read back as what it was made of', () => {
    expect(parseEdgeSubject(edgeSubject('us-east', 'f15'))).toEqual({ region: 'us-east', lane: 'f15' });
  });

  it.each([
    'health.diagnostics.apac.edge',
    'health.diagnostics.apac.edge.f00.x',
    'health.diagnostics.apac.server.f00',
    'other.diagnostics.apac.edge.f00',
    'health.diagnostics.apac.edge.x00',
  ])('does not take %s for an edge subject', (subject) => {
    expect(parseEdgeSubject(subject)).toBe(undefined);
  });
});

describe('forwarderSubject', () => {
  it("is the contract's subject", () => {
    expect(forwarderSubject('apac', 0)).toBe('health.diagnostics.apac.forwarder.0');
    expect(forwarderSubject('apac', '*')).toBe('health.diagnostics.apac.forwarder.*');
  });

  it.each([
    ['*', 0],
    ['apac', -1],
    ['apac', 1.5],
    ['apac', 256],
    ['apac', Number.NaN],
  ])('rejects the tokens %j, %j', (region, slot) => {
    expect(() => forwarderSubject(region, slot)).toThrow(RangeError);
  });

  it('is read back as what it was made of', () => {
    expect(parseForwarderSubject(forwarderSubject('us-east', 255))).toEqual({ region: 'us-east', slot: 255 });
  });

  it.each([
    'health.diagnostics.apac.forwarder',
    'health.diagnostics.apac.forwarder.0.x',
    'health.diagnostics.apac.edge.0',
    'health.diagnostics.apac.forwarder.01',
    'health.diagnostics.apac.forwarder.256',
    'health.diagnostics.apac.forwarder.f00',
  ])('does not take %s for the subject of a Forwarder', (subject) => {
    expect(parseForwarderSubject(subject)).toBe(undefined);
  });
});

describe('lanes and shards', () => {
  it('gives a meeting one lane, for ever', () => {
    // Written down: a changed hash would tear meetings apart between two versions.
    expect([laneOf('m-1', 16), laneOf('standup', 16), laneOf('x', 1), laneOf('m-1', 256)]).toEqual([
      'f10',
      'f06',
      'f00',
      'f218',
    ]);
  });

  it('keeps every lane in range', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 256 }), (meeting, lanes) => {
        const lane = laneOf(meeting, lanes);
        expect(isLane(lane) && Number(lane.slice(1)) < lanes).toBe(true);
      }),
    );
  });

  it('spreads meetings over the lanes', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 16_000; i++) {
      const lane = laneOf(`meeting-${i}`, 16);
      counts.set(lane, (counts.get(lane) ?? 0) + 1);
    }
    expect(counts.size).toBe(16);
    expect(Math.min(...counts.values())).toBeGreaterThan(800);
    expect(Math.max(...counts.values())).toBeLessThan(1_200);
  });

  it('gives each lane to exactly one shard', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 256 }), fc.integer({ min: 1, max: 300 }), (lanes, count) => {
        const owned = Array.from({ length: count }, (_, index) => lanesOf({ index, count }, lanes)).flat();
        expect(owned.sort()).toEqual(Array.from({ length: lanes }, (_, lane) => laneName(lane)).sort());
      }),
    );
  });
});

describe('subjects of media servers', () => {
  it.each([
    ['health.diagnostics.apac.websocket.server-1', { region: 'apac', serverType: 'websocket', serverId: 'server-1' }],
    ['health.diagnostics.apac.webtransport.a.b', { region: 'apac', serverType: 'webtransport', serverId: 'a.b' }],
    ['health.diagnostics.apac.edge.f00', undefined],
    ['health.diagnostics.apac.forwarder.0', undefined],
    ['health.diagnostics.apac.websocket', undefined],
    ['health.diagnostics.apac.websocket.', undefined],
    ['health.diagnostics.Apac.websocket.a', undefined],
    ['server.connections.apac.websocket.a', undefined],
  ])('%s', (subject, parts) => {
    expect(parseMediaSubject(subject)).toEqual(parts);
  });
});
