/** The reporter against a worker that decodes what it is sent: whatever the application does, good beacons go on. */
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Beacon, decodeBeacon } from '../shared/beacon.ts';
import { OBJECTIVES } from '../shared/objectives.ts';
import type { Connection } from './connections.ts';
import { type Reporter, type ReporterOptions, startReporter } from './reporter.ts';
import type { Stat } from './stats.ts';

const REGION = { region: 'apac', ttl_seconds: 30, objectives: OBJECTIVES };
const OPTIONS: ReporterOptions = { endpoint: 'https://edge', token: 't', meetingId: 'm-1', sessionId: 'ana-1' };
const PACKETS_PER_SECOND = 50;

/** What the worker accepted, why it rejected the others, and what it was asked. */
let accepted: Beacon[];
let rejected: string[];
let asked: string[];

beforeEach(() => {
  vi.useFakeTimers();
  [accepted, rejected, asked] = [[], [], []];
  vi.stubGlobal('fetch', async (url: string, { body }: RequestInit) => {
    asked.push(url);
    if (typeof body !== 'string') return Response.json(REGION);
    const decoded = decodeBeacon(JSON.parse(body));
    if (decoded.ok) {
      accepted.push(decoded.value);
      return new Response(null, { status: 204 });
    }
    rejected.push(`${decoded.reason}: ${decoded.detail}`);
    return Response.json({ type: `https://edge/problems/${decoded.reason}` }, { status: 400 });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function start(options: Partial<ReporterOptions> = {}): Reporter {
  const reporter = startReporter({ ...OPTIONS, ...options });
  onTestFinished(reporter.stop);
  return reporter;
}

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1_000);

/** A connection that has received audio since now. */
function receiving(more: Partial<Connection> = {}): Connection {
  const beganAtMs = performance.now();
  return {
    connectionState: 'connected',
    async getStats() {
      const packetsReceived = Math.round(((performance.now() - beganAtMs) / 1_000) * PACKETS_PER_SECOND);
      const stat: Stat = { id: 'in', type: 'inbound-rtp', kind: 'audio', ssrc: 1, packetsReceived, packetsLost: 0 };
      return new Map([['in', stat]]);
    },
    getReceivers: () => [],
    getTransceivers: () => [],
    addEventListener: () => {},
    ...more,
  };
}

const packets = () => accepted.at(-1)?.peers[0]?.audio?.packetsReceived;

describe('connections', () => {
  it('count once when they are added twice', async () => {
    const reporter = start();
    const connection = receiving();
    for (let times = 0; times < 2; times++) reporter.addPeerConnection(connection, { peerOf: 'bo-1' });
    await pass(20);
    expect(packets()).toBeGreaterThan(0);
    expect(packets()).toBeLessThanOrEqual(20 * PACKETS_PER_SECOND);
  });

  it('that throw when they are asked for statistics leave the others alone', async () => {
    const reporter = start();
    const getStats = () => {
      throw new Error('of a library');
    };
    reporter.addPeerConnection(receiving({ getStats }), { peerOf: 'eve-1' });
    reporter.addPeerConnection(receiving(), { peerOf: 'bo-1' });
    await pass(20);
    expect(packets()).toBeGreaterThan(0);
  });

  it('that do not come up end no session that has begun', async () => {
    const reporter = start();
    await pass(10);
    const count = accepted.length;
    expect(count).toBeGreaterThan(0);
    reporter.addPeerConnection(receiving({ connectionState: 'new' }), { peerOf: 'bo-1' });
    await pass(REGION.ttl_seconds);
    expect(accepted.length).toBeGreaterThan(count + 2);
  });

  it('that do not come up begin none', async () => {
    const reporter = start();
    reporter.addPeerConnection(receiving({ connectionState: 'new' }), { peerOf: 'bo-1' });
    await pass(REGION.ttl_seconds);
    expect(accepted).toEqual([]);
  });
});

describe('beforeSend', () => {
  it('may change a beacon in place, which changes no counter of a later one', async () => {
    let hides = true;
    const reporter = start({
      beforeSend(beacon) {
        if (hides) for (const { audio } of beacon.peers) delete audio?.packetsReceived;
        return beacon;
      },
    });
    reporter.addPeerConnection(receiving(), { peerOf: 'bo-1' });
    await pass(20);
    expect(accepted.at(-1)?.peers).toEqual([{ peer_id: 'bo-1', audio: { packetsLost: 0 } }]);
    hides = false;
    await pass(20);
    expect(packets()).toBeGreaterThan(25 * PACKETS_PER_SECOND);
  });

  it('that returns no beacon does not stop those after it', async () => {
    let isBroken = true;
    start({ beforeSend: (beacon) => (isBroken ? (Promise.resolve(beacon) as never) : beacon) });
    await pass(10);
    expect(accepted).toEqual([]);
    isBroken = false;
    await pass(10);
    expect(accepted.length).toBeGreaterThan(0);
  });
});

describe('pushed figures', () => {
  it('of an RTT that the worker would reject are left out', async () => {
    const reporter = start();
    // A ping that was under way while the machine slept.
    reporter.reportRtt(3_600);
    reporter.reportRtt(0.1);
    await pass(10);
    expect(accepted[0]?.rtt).toEqual([0.1]);
    expect(rejected).toEqual([]);
  });

  it('of a peer that a connection has too are put with the others', async () => {
    const reporter = start();
    reporter.addPeerConnection(receiving(), { peerOf: 'bo-1' });
    reporter.reportPeer('bo-1', { neteq: { buffer: 0.06 } });
    await pass(3);
    expect(rejected).toEqual([]);
    expect(accepted[0]?.peers).toEqual([
      { peer_id: 'bo-1', neteq: { buffer: 0.06 }, audio: expect.objectContaining({ packetsLost: 0 }) },
    ]);
  });
});

describe('the endpoint', () => {
  it('may end with a slash', async () => {
    start({ endpoint: 'https://edge/' });
    await pass(10);
    expect(new Set(asked)).toEqual(new Set(['https://edge/v1/region', 'https://edge/v1/beacons']));
  });

  it('is asked for the region again when it answered with a problem', async () => {
    const answer = fetch;
    let problems = 1;
    vi.stubGlobal('fetch', (url: string, init: RequestInit) =>
      url.endsWith('region') && problems-- > 0 ? Response.json({ status: 500 }, { status: 500 }) : answer(url, init),
    );
    start();
    await pass(20);
    expect(asked.filter((url) => url.endsWith('region'))).toHaveLength(1);
  });
});

describe('stop()', () => {
  it('leaves no timer, and nothing starts again', async () => {
    const reporter = start();
    reporter.addPeerConnection(receiving(), { peerOf: 'bo-1' });
    await pass(10);
    reporter.stop();
    reporter.start();
    reporter.flush();
    await pass(1);
    const count = accepted.length;
    await pass(60);
    expect([vi.getTimerCount(), accepted.length]).toEqual([0, count]);
  });
});
