/** The recipe for a client that pushes, with the reporter as it is, posting to the running system: what /metrics shows. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type NetEqReading, reportWebTransport } from '../../client/recipes/web-transport.ts';
import { startReporter } from '../../client/reporter.ts';
import { testToken } from '../support/edge/tokens.ts';
import { eventually } from '../support/poll.ts';
import { type System, startSystem } from '../support/processes/system.ts';

const SERVER_URL = 'https://media-apac-1.example.com';
const LABELS = { server_url: SERVER_URL, server_type: 'webtransport' };
const ECHO_MS = 80;

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(async () => {
  await system?.stop();
});

/** Counts as NetEQ does: an operation every 10 ms, of which a tenth expands. */
function readNetEq(): NetEqReading {
  const operations = performance.now() / 10;
  return {
    bufferSeconds: 0.06,
    packets: Math.round(operations / 2),
    operations: { normal: Math.round(operations * 0.9), expand: Math.round(operations * 0.1) },
  };
}

/** A call in which `heard` are heard, over a server that is 80 ms away. */
async function startCall(session: string, heard: Set<string>): Promise<void> {
  const token = await testToken({ session });
  const reporter = startReporter({ endpoint: system.worker.url, token, meetingId: 'm-1', sessionId: session });
  const echoes = new Set<NodeJS.Timeout>();
  const reporting = reportWebTransport(reporter, {
    sendDatagram: (bytes) => void echoes.add(setTimeout(() => reporting.receive(bytes, performance.now()), ECHO_MS)),
    readNetEq: () => [...heard].map((id) => [id, readNetEq()] as const),
    readSending: () => ({ audio: true, video: false }),
  });
  reporting.connected(SERVER_URL, 0.4);
  const timer = setInterval(() => reporting.tick(performance.now()), 1_000);
  onTestFinished(() => {
    clearInterval(timer);
    for (const echo of echoes) clearTimeout(echo);
    reporter.stop();
  });
}

describe('a WebTransport client that pushes', () => {
  it('shows its RTT, its join, and the NetEQ of each peer until the peer leaves', async () => {
    const heard = new Set(['bo-1', 'eve-1']);
    await startCall('ana-1', heard);
    const of = { session_id: 'ana-1', peer_id: 'bo-1' };
    await eventually(
      async () => {
        const scrape = await system.aggregator.metrics();
        const rtt = scrape.value('edgepulse_session_rtt_seconds', { session_id: 'ana-1', ...LABELS });
        expect(rtt).toBeGreaterThanOrEqual(ECHO_MS / 1_000 - 0.002);
        expect(rtt).toBeLessThan(ECHO_MS / 1_000 + 0.1);
        expect(scrape.value('edgepulse_peer_neteq_buffer_seconds', of)).toBe(0.06);
        const expand = { ...of, operation: 'expand' };
        expect(scrape.value('edgepulse_peer_neteq_operations_per_second', expand)).toBeCloseTo(10, 0);
        expect(scrape.value('edgepulse_peer_concealment_ratio', of)).toBeCloseTo(0.1, 1);
        expect(scrape.sum('edgepulse_joins_total', { server_type: 'webtransport', result: 'ok' })).toBe(1);
        return true;
      },
      { deadlineMs: 30_000 },
    );
    heard.delete('eve-1');
    await eventually(
      async () => {
        const buffers = (await system.aggregator.metrics()).all('edgepulse_peer_neteq_buffer_seconds');
        expect(buffers.map(({ labels }) => labels.peer_id)).toEqual(['bo-1']);
        return true;
      },
      // The reporter itself drops figures of a peer after 15 s without new ones.
      { deadlineMs: 12_000 },
    );
  });
});
