import { describe, expect, it } from 'vitest';
import type { PeerOf } from '../reporter.ts';
import { reportPeer, reportSfu } from './peer-connection.ts';
import { createFakeReporter } from './testing.ts';

/** The recipes hand it on and look at nothing in it. */
const connection = {} as RTCPeerConnection;

describe('a mesh', () => {
  it('names the peer of each connection', () => {
    const reporter = createFakeReporter();
    reportPeer(reporter, connection, 'bo-1');
    expect(reporter.added).toEqual([{ connection, peerOf: 'bo-1' }]);
  });
});

describe('an SFU', () => {
  it('follows who is on which transceiver', () => {
    const reporter = createFakeReporter();
    const peers = reportSfu(reporter, connection);
    const peerOf = reporter.added[0]?.peerOf as PeerOf;
    const at = (mid: string) => peerOf({ kind: 'audio', mid });
    expect(at('0')).toBeUndefined();
    peers.set('0', 'bo-1');
    peers.set('1', 'ada-1');
    expect([at('0'), at('1'), at('2')]).toEqual(['bo-1', 'ada-1', undefined]);
    peers.set('0', undefined);
    expect(at('0')).toBeUndefined();
    peers.set('0', 'eve-1');
    expect(at('0')).toBe('eve-1');
  });

  it('leaves out a stream of which the browser names no transceiver', () => {
    const reporter = createFakeReporter();
    reportSfu(reporter, connection).set('0', 'bo-1');
    const peerOf = reporter.added[0]?.peerOf as PeerOf;
    expect(peerOf({ kind: 'audio' })).toBeUndefined();
  });
});
