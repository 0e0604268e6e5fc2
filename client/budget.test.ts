import { describe, expect, it } from 'vitest';
import { type Beacon, LIMITS, type Peer } from '../shared/beacon.ts';
import { validBeacon } from '../test/support/edge/beacon.ts';
import { bytesOf, fitBeacon } from './budget.ts';

function peers(count: number, name = 'peer'): Peer[] {
  const [template] = validBeacon().peers;
  return Array.from({ length: count }, (_, i) => ({ ...template, peer_id: `${name}-${i}` }));
}

function fit(beacon: Partial<Beacon>, room: number = LIMITS.bodyBytes): Beacon {
  const text = fitBeacon({ ...validBeacon(beacon), token: 'token' }, room);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(room);
  return JSON.parse(text);
}

describe('fitBeacon', () => {
  it('leaves out nothing that fits', () => {
    expect(fit({ peers: peers(64) }).peers).toHaveLength(64);
  });

  it('says how many it left out', () => {
    expect(fit({ peers: peers(64), state: { visible: true } }).state).toEqual({ visible: true });
    expect(fit({ peers: peers(100), state: { visible: true } }).state).toEqual({ visible: true, omitted_peers: 36 });
    const { peers: fitted, state } = fit({ peers: peers(64) }, 5_000);
    expect(fitted.length + (state?.omitted_peers ?? 0)).toBe(64);
  });

  it('has the first 64 peers', () => {
    const fitted = fit({ peers: peers(100) }).peers;
    expect([fitted.length, fitted[0]?.peer_id, fitted[63]?.peer_id]).toEqual([64, 'peer-0', 'peer-63']);
  });

  it.each([600, 1_000, 5_000, 20_000])('has as many peers as %i bytes take', (room) => {
    const { length } = fit({ peers: peers(64) }, room).peers;
    // One more would not have fitted, but for the estimate, which is a tenth off at the most.
    const more = bytesOf(
      fitBeacon({ ...validBeacon({ peers: peers(Math.ceil(length * 1.1) + 1) }), token: 'token' }, 1e6),
    );
    expect(more).toBeGreaterThan(room);
  });

  it('counts bytes as they are on the wire', () => {
    const server = { url: `https://example.com/${'ä'.repeat(1_000)}`, type: 'webrtc' } as const;
    expect(fit({ server, peers: peers(64) }, 20_000).peers.length).toBeLessThan(
      fit({ peers: peers(64) }, 20_000).peers.length,
    );
  });

  it('leaves out numbers that JSON has not, and keeps the rest', () => {
    const [peer] = peers(1);
    const fitted = fit({ peers: [{ ...(peer as Peer), neteq: { buffer: Number.NaN, target_delay: 0 } }] });
    expect(fitted.peers[0]?.neteq).toEqual({ target_delay: 0 });
  });
});
