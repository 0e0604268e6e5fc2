import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edgeSubject, forwarderSubject, laneName, lanesOf } from '../../../shared/subjects.ts';
import { createOwnership } from './ownership.ts';

const { unownedReason } = createOwnership({ regions: ['apac', 'eu-west'], lanes: 16 });

describe('who owns a subject', () => {
  it.each([
    [edgeSubject('apac', 'f00'), undefined],
    [edgeSubject('eu-west', 'f15'), undefined],
    [forwarderSubject('apac', 0), undefined],
    [forwarderSubject('eu-west', 255), undefined],
    [edgeSubject('apac', 'f16'), 'unknown_lane'],
    ['health.diagnostics.apac.edge.f0', 'unknown_lane'],
    ['health.diagnostics.apac.edge.f000', 'unknown_lane'],
    [edgeSubject('us-east', 'f00'), 'unknown_region'],
    [forwarderSubject('us-east', 0), 'unknown_region'],
    ['health.diagnostics.apac.webtransport.media-1', 'unknown_service_type'],
    ['health.diagnostics.apac.forwarder.256', 'malformed'],
    ['health.diagnostics.apac.forwarder.x', 'malformed'],
    ['health.diagnostics.apac.edge', 'malformed'],
    ['health.diagnostics.apac.edge.f00.more', 'malformed'],
    ['health.diagnostics.APAC.edge.f00', 'malformed'],
    ['room.apac.edge.f00.x', 'malformed'],
  ])('%s: %s', (subject, reason) => {
    expect(unownedReason(subject)).toBe(reason);
  });

  it.each([
    ['health.diagnostics.apac.webtransport.media-1', undefined],
    ['health.diagnostics.apac.webtransport.media.example.com', undefined],
    ['health.diagnostics.us-east.webtransport.media-1', 'unknown_region'],
    ['health.diagnostics.apac.websocket.media-1', 'unknown_service_type'],
    ['health.diagnostics.apac.webtransport', 'malformed'],
  ])('%s, where packets of webtransport servers are read: %s', (subject, reason) => {
    const owner = createOwnership({ regions: ['apac'], lanes: 1, mediaServerTypes: ['webtransport'] });
    expect(owner.unownedReason(subject)).toBe(reason);
  });

  it('is somebody, for every lane of every shard of whatever topology, and for no lane beyond it', () => {
    const topologies = fc.record({ lanes: fc.integer({ min: 1, max: 256 }), shards: fc.integer({ min: 1, max: 256 }) });
    fc.assert(
      fc.property(topologies, ({ lanes, shards }) => {
        const owner = createOwnership({ regions: ['apac'], lanes });
        for (let index = 0; index < shards; index++) {
          for (const lane of lanesOf({ index, count: shards }, lanes)) {
            expect(owner.unownedReason(edgeSubject('apac', lane))).toBeUndefined();
          }
        }
        expect(owner.unownedReason(edgeSubject('apac', laneName(lanes)))).toBe('unknown_lane');
      }),
    );
  });
});
