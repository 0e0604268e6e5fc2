import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeCanary } from '../../shared/batch.ts';
import { canaryText } from '../../shared/canary.ts';
import { createTestSessions, NOW } from '../store/testing.ts';
import { createCanaries } from './canaries.ts';
import { createCanaryCheck } from './canary-signature.ts';
import { createForwarders } from './forwarders.ts';
import { createIngest } from './ingest.ts';

const SECRET = 'a secret that both sides know, of 32 bytes';
const MINUTE = 60_000;

type Sent = {
  readonly lane?: string;
  readonly sentAtMs?: number;
  readonly publishedAtMs?: number;
  readonly storedAtMs?: number;
  readonly signature?: string;
  readonly isHistory?: boolean;
};

function setUp(secret?: string) {
  const sessions = createTestSessions();
  const totalsOf = (region: string) => sessions.totals(region).edge;
  const rejections: string[] = [];
  const canaries = createCanaries({
    lanes: ['f00', 'f01'],
    totalsOf,
    isSigned: secret === undefined ? undefined : createCanaryCheck(secret),
    onRejected: (region) => rejections.push(region),
  });
  const forwarders = createForwarders({
    regions: sessions.regions,
    shard: { index: 0, count: 1 },
    topology: 'ours',
    totalsOf,
    onTopology() {},
  });
  const ingest = createIngest(sessions, forwarders, { canaries });
  let number = 0;
  return {
    sessions,
    rejections,
    edge: totalsOf('apac'),
    send({ lane = 'f00', sentAtMs = NOW, publishedAtMs = sentAtMs, signature = '', ...rest }: Sent = {}) {
      const { storedAtMs = publishedAtMs, isHistory = false } = rest;
      const batch = encodeCanary({ slot: 0, id: `c-${number++}`, sentAtMs: publishedAtMs }, { sentAtMs, signature });
      ingest(`health.diagnostics.apac.edge.${lane}`, batch, { storedAtMs, nowMs: storedAtMs, isHistory });
    },
  };
}

function signed(sentAtMs: number, { secret = SECRET, lane = 'f00', region = 'apac' } = {}): string {
  return createHmac('sha256', secret).update(canaryText({ region, lane, sentAtMs })).digest('base64url');
}

describe('a canary', () => {
  it('changes nothing but when the newest one was sent', () => {
    const { sessions, edge, send } = setUp();
    const counted = () => JSON.stringify({ ...sessions.totals('apac'), edge: { ...edge, canarySentAtMs: undefined } });
    const before = counted();
    for (const lane of ['f00', 'f01']) send({ lane });
    send({ lane: 'f00', sentAtMs: NOW + 1 });
    expect(edge.canarySentAtMs).toBe(NOW);
    expect(counted()).toBe(before);
    expect(sessions.living()).toBe(0);
  });

  it("is as old as it is, by the broker's clock, however late it comes and whatever the edge's clock says", () => {
    const { edge, send } = setUp();
    expect(edge.canarySentAtMs).toBeNaN();
    const edgeMs = NOW - 3_600_000;
    for (const lane of ['f00', 'f01']) send({ lane, sentAtMs: edgeMs, publishedAtMs: edgeMs + 9_000, storedAtMs: NOW });
    expect(edge.canarySentAtMs).toBe(NOW - 9_000);
  });

  it('that comes after a newer one changes nothing', () => {
    const { edge, send } = setUp();
    for (const lane of ['f00', 'f01']) send({ lane, sentAtMs: NOW });
    send({ lane: 'f00', sentAtMs: NOW - MINUTE, publishedAtMs: NOW - 1, storedAtMs: NOW + 1 });
    expect(edge.canarySentAtMs).toBe(NOW);
  });

  it('is due on every lane from the first one on', () => {
    const { edge, send } = setUp();
    send({ lane: 'f00', sentAtMs: NOW });
    send({ lane: 'f00', sentAtMs: NOW + 5 * MINUTE });
    expect(edge.canarySentAtMs).toBe(NOW);
    send({ lane: 'f01', sentAtMs: NOW + 6 * MINUTE });
    expect(edge.canarySentAtMs).toBe(NOW + 5 * MINUTE);
  });

  it('on a lane that is none of ours, from an edge with more LANES, is not waited for once those are taken away', () => {
    const { edge, send } = setUp();
    for (const lane of ['f00', 'f01', 'f02', 'f03']) send({ lane, sentAtMs: NOW });
    for (const lane of ['f00', 'f01']) send({ lane, sentAtMs: NOW + MINUTE });
    expect(edge.canarySentAtMs).toBe(NOW + MINUTE);
  });
});

describe('with a secret', () => {
  it('a signed canary is believed', () => {
    const { edge, send, rejections } = setUp(SECRET);
    send({ sentAtMs: NOW, signature: signed(NOW) });
    expect(edge.canarySentAtMs).toBe(NOW);
    expect([edge.canariesRejected, rejections]).toEqual([0, []]);
  });

  it.each([
    ['without a signature', ''],
    ['that is signed with another secret', signed(NOW, { secret: 'another secret' })],
    ['of another lane', signed(NOW, { lane: 'f01' })],
    ['of another region', signed(NOW, { region: 'oc' })],
    ['of another time', signed(NOW - 1)],
  ])('one %s is ignored, counted, and logged once', (_, signature) => {
    const { edge, send, rejections } = setUp(SECRET);
    send({ signature });
    send({ signature });
    expect(edge.canarySentAtMs).toBeNaN();
    expect([edge.canariesRejected, rejections]).toEqual([2, ['apac']]);
    send({ signature: signed(NOW) });
    send({ signature, sentAtMs: NOW + 1 });
    expect(rejections).toEqual(['apac', 'apac']);
  });

  it('one that somebody publishes again does not make the lane look alive', () => {
    const { edge, send } = setUp(SECRET);
    for (const lane of ['f00', 'f01']) send({ lane, signature: signed(NOW, { lane }) });
    const later = NOW + 10 * MINUTE;
    for (const lane of ['f00', 'f01']) {
      send({ lane, sentAtMs: NOW, publishedAtMs: NOW, storedAtMs: later, signature: signed(NOW, { lane }) });
    }
    expect(edge.canarySentAtMs).toBe(NOW);
  });

  it('one that an earlier process has counted is not counted again', () => {
    const { edge, send } = setUp(SECRET);
    send({ isHistory: true });
    expect(edge.canariesRejected).toBe(0);
  });
});
