import { describe, expect, it } from 'vitest';
import { createFakeReporter } from './testing.ts';
import { type NetEqReading, reportWebTransport } from './web-transport.ts';

const READING: NetEqReading = { bufferSeconds: 0.06, packets: 100, operations: { normal: 180, expand: 20 } };

/** A media stack that hears what `peers` says and keeps the datagrams that were sent. */
function start() {
  const reporter = createFakeReporter();
  const peers = new Map<string, NetEqReading>();
  const datagrams: Uint8Array[] = [];
  const reporting = reportWebTransport(reporter, {
    sendDatagram: (bytes) => void datagrams.push(bytes),
    readNetEq: () => peers,
    readSending: () => ({ audio: true, video: false }),
  });
  /** The arguments of the last call of a method. */
  const last = (method: string) => reporter.calls.findLast(([name]) => name === method)?.slice(1);
  return { reporter, peers, datagrams, reporting, last };
}

describe('a WebTransport client', () => {
  it('says which server it joined, in which time, and what it sends', () => {
    const { reporting, last } = start();
    reporting.connected('https://media-apac-1.example.com', 0.4);
    const server = { url: 'https://media-apac-1.example.com', type: 'webtransport' };
    expect(last('update')).toEqual([{ server, join: { result: 'ok', seconds: 0.4 } }]);
    reporting.tick(1_000);
    expect(last('update')).toEqual([{ state: { audio_sending: true, video_sending: false } }]);
  });

  it('measures RTT by the echo of its datagrams', () => {
    const { reporting, datagrams, last } = start();
    reporting.tick(1_000);
    reporting.tick(2_000);
    const [first, second] = datagrams as [Uint8Array, Uint8Array];
    // As a view into a larger buffer, which is how streams of datagrams deliver them.
    const framed = new Uint8Array([1, 2, 3, ...second]).subarray(3);
    expect(reporting.receive(framed, 2_083)).toBe(true);
    expect(last('reportRtt')).toEqual([0.083]);
    expect(reporting.receive(first, 2_250)).toBe(true);
    expect(last('reportRtt')).toEqual([1.25]);
  });

  it('leaves datagrams of the application to it', () => {
    const { reporter, reporting } = start();
    expect(reporting.receive(new Uint8Array([0xed, 1, 2]), 5)).toBe(false);
    expect(reporting.receive(new Uint8Array(9), 5)).toBe(false);
    expect(reporter.calls).toEqual([]);
  });

  it('takes an echo that is later than 10 s as lost', () => {
    const { reporting, datagrams, last } = start();
    reporting.tick(1_000);
    expect(reporting.receive(datagrams[0] as Uint8Array, 11_001)).toBe(true);
    expect(last('reportRtt')).toBeUndefined();
  });

  it('makes rates of what NetEQ counts', () => {
    const { reporting, peers, last } = start();
    peers.set('bo-1', READING);
    reporting.tick(1_000);
    expect(last('reportPeer')).toEqual(['bo-1', { neteq: { buffer: 0.06 } }]);
    peers.set('bo-1', { bufferSeconds: 0.08, packets: 200, operations: { normal: 350, expand: 50 } });
    reporting.tick(3_000);
    const rates = { packets_per_second: 50, operations_per_second: { normal: 85, expand: 15 } };
    expect(last('reportPeer')).toEqual(['bo-1', { neteq: { buffer: 0.08, ...rates } }]);
  });

  it('has no rates of a second in which the decoder began anew', () => {
    const { reporting, peers, last } = start();
    peers.set('bo-1', READING);
    reporting.tick(1_000);
    peers.set('bo-1', { bufferSeconds: 0.02, packets: 3, operations: { normal: 6 } });
    reporting.tick(2_000);
    expect(last('reportPeer')).toEqual(['bo-1', { neteq: { buffer: 0.02 } }]);
  });

  it('says that a peer left', () => {
    const { reporter, reporting, peers, last } = start();
    peers.set('bo-1', READING);
    reporting.tick(1_000);
    peers.clear();
    reporting.tick(2_000);
    expect(last('reportPeer')).toEqual(['bo-1', undefined]);
    const count = reporter.calls.filter(([name]) => name === 'reportPeer').length;
    reporting.tick(3_000);
    expect(reporter.calls.filter(([name]) => name === 'reportPeer')).toHaveLength(count);
  });
});
