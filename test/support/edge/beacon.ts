/** Valid inputs with overrides, for every test that needs a beacon or a batch. */
import type { Beacon } from '../../../shared/beacon.ts';
import type { EdgeCounters, Entry } from '../../../shared/envelope.ts';

/** A beacon that the decoder accepts as it is. */
export function validBeacon(overrides: Partial<Beacon> = {}): Beacon {
  return {
    v: 1,
    meeting_id: 'm-1',
    session_id: 's-1',
    participant_id: 'p-1',
    seq: 0,
    server: { url: 'https://media-apac-1.example.com', type: 'webtransport' },
    rtt: [0.081, 0.079],
    peers: [
      {
        peer_id: 's-2',
        audio: {
          jitterBufferDelay: 120.5,
          jitterBufferEmittedCount: 1_440_000,
          concealedSamples: 2_400,
          silentConcealedSamples: 400,
          concealmentEvents: 7,
          insertedSamplesForDeceleration: 300,
          removedSamplesForAcceleration: 900,
          totalSamplesReceived: 1_440_000,
          packetsReceived: 1_500,
          packetsLost: 3,
        },
      },
    ],
    ...overrides,
  };
}

export function validEntry(overrides: Partial<Beacon> = {}, received_at = 1_800_000_000_000): Entry {
  return { received_at, colo: 'SIN', beacon: validBeacon(overrides) };
}

export function edgeCounters(overrides: Partial<EdgeCounters> = {}): EdgeCounters {
  return {
    epoch: 'epoch-1',
    batch: 0,
    accepted: 0,
    rejected: {},
    spooled: 0,
    drained: 0,
    dropped: {},
    spool: 0,
    publish_errors: 0,
    jwks_errors: 0,
    publish_seconds: { buckets: new Array(12).fill(0), sum: 0 },
    ...overrides,
  };
}
