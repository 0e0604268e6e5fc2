import { describe, expect, it } from 'vitest';
import type { Peer } from '../../../shared/beacon.ts';
import { validEntry } from '../../../test/support/edge/beacon.ts';
import type { Sessions } from '../../store/sessions.ts';
import { applyEntry, createTestSessions, NOW } from '../../store/testing.ts';
import type { Overview } from '../answers.ts';
import { finish, partOf } from '../shards/testing.ts';
import { describeOverview } from './overview.ts';
import { type AskedPart, combine, type Whole } from './whole.ts';

const REGIONS = ['apac', 'eu-west'];

function storeOf(count: number, { name = 's', regions = REGIONS, peers = [] as Peer[] } = {}): Sessions {
  const sessions = createTestSessions({ regions, servers: ['https://a.example'] });
  for (let i = 0; i < count; i++) {
    const ids = { meeting_id: `m-${name}-${i}`, session_id: `${name}-${i}`, participant_id: `${name}-${i}` };
    const server = { url: 'https://a.example', type: 'webrtc' } as const;
    applyEntry(sessions, regions[0] as string, validEntry({ ...ids, server, rtt: [0.1], peers }, NOW));
  }
  return sessions;
}

function wholeOf(own: Sessions, asked: readonly AskedPart[], shard: [number, number] = [0, 2]): Whole {
  return finish(combine(partOf(own, ...shard), asked, REGIONS));
}

function overviewOf(whole: Whole): Omit<Overview, 'history'> {
  return finish(describeOverview(whole));
}

const B = 'http://b';
const C = 'http://c';

describe('the whole', () => {
  it('is of all shards', () => {
    const whole = wholeOf(storeOf(2), [{ address: B, part: partOf(storeOf(3, { name: 't' }), 1, 2) }]);
    expect(whole.shown).toEqual({ shards: ['0/2', '1/2'], missing: [] });
    expect([...whole.complete]).toEqual(REGIONS);
    const { all, regions } = overviewOf(whole);
    expect(all.sessions).toBe(5);
    expect(regions[0]?.live).toMatchObject({ participants: 5, meetings: 5, servers: [{ sessions: 5 }] });
    expect(regions[0]?.health.applied).toBe(5);
  });

  it('adds up how joining went', () => {
    const [own, other] = [storeOf(1), storeOf(2, { name: 't' })];
    for (const [i, store] of [own, other, other].entries()) {
      const join = { result: i === 1 ? 'ok' : 'dtls' } as const;
      applyEntry(store, 'apac', validEntry({ session_id: `joining-${i}`, join }, NOW));
    }
    const whole = wholeOf(own, [{ address: B, part: partOf(other, 1, 2) }]);
    expect(overviewOf(whole).regions[0]?.live?.joins).toEqual({ ok: 1, signaling: 0, ice: 0, dtls: 2, media: 0 });
  });

  it('judges a server by all of its sessions, of whichever shard', () => {
    const heardBadly = [{ peer_id: 'elsewhere', neteq: { operations_per_second: { expand: 40 } } }];
    const own = storeOf(3, { peers: heardBadly });
    const other = storeOf(3, { peers: heardBadly, name: 't' });
    const streamsOf = (whole: Whole) => overviewOf(whole).regions[0]?.live?.servers[0]?.impaired_streams;
    expect(streamsOf(wholeOf(own, []))).toMatchObject({ server: 0, unknown: 3 });
    expect(streamsOf(wholeOf(own, [{ address: B, part: partOf(other, 1, 2) }]))).toMatchObject({
      server: 6,
      unknown: 0,
    });
  });

  it('is heard through a fallback when one of its shards is', () => {
    const other = storeOf(3, { name: 't' });
    other.noteFeed('apac', { isBehind: false, lagSeconds: 0, hostSkewSeconds: 0, through: 'eu-west' });
    const whole = wholeOf(storeOf(2), [{ address: B, part: partOf(other, 1, 2) }]);
    expect(overviewOf(whole).regions[0]?.feed).toMatchObject({ up: true, through: 'eu-west' });
  });

  it('names who is missing, why, and which shard it was, while something is missing', () => {
    const asked = [{ address: B, shard: '1/2', why: 'can not be reached: ECONNREFUSED' }];
    const whole = wholeOf(storeOf(2), asked);
    expect(whole.shown).toEqual({ shards: ['0/2'], missing: asked });
    expect(whole.complete.size).toBe(0);
    expect(overviewOf(whole).all.sessions).toBe(2);
  });

  it('counts a shard once, whoever of its replicas says it, and misses none of them', () => {
    const other = partOf(storeOf(3, { name: 't' }), 1, 2);
    const asked = [
      { address: 'http://own-replica', part: partOf(storeOf(2), 0, 2) },
      { address: B, part: other },
      { address: C, part: other },
      { address: 'http://d', shard: '1/2', regions: REGIONS, why: 'does not answer within 2 s' },
    ];
    const whole = wholeOf(storeOf(2), asked);
    expect(overviewOf(whole).all.sessions).toBe(5);
    expect(whole.shown).toEqual({ shards: ['0/2', '1/2'], missing: [] });
    // The topology has a region that nobody here reads: of that, who was never heard may be the one that does.
    const never = { address: 'http://e', why: 'does not answer within 2 s' };
    const regional = finish(combine(partOf(storeOf(2), 0, 2), [...asked, never], [...REGIONS, 'oc']));
    expect(regional.shown.missing).toEqual([never]);
  });

  it('prefers the replica that hears a region, and names the shard that does not', () => {
    const deaf = storeOf(3, { name: 't' });
    deaf.feedDown('apac', NOW + 1_000);
    const asked = [{ address: B, part: partOf(deaf, 1, 2) }];
    const part = wholeOf(storeOf(2), asked);
    expect(overviewOf(part).all.sessions).toBe(2);
    expect(part.shown.missing).toEqual([{ address: B, shard: '1/2', why: 'its feed of apac is down' }]);
    expect([...part.complete]).toEqual(['eu-west']);
    const whole = wholeOf(storeOf(2), [...asked, { address: C, part: partOf(storeOf(3, { name: 't' }), 1, 2) }]);
    expect(overviewOf(whole).all.sessions).toBe(5);
    expect(whole.shown.missing).toEqual([]);
  });

  it('says that a region is down only when no shard hears it, and since when', () => {
    const stores = [storeOf(2), storeOf(3)];
    for (const [i, sessions] of stores.entries()) sessions.feedDown('apac', NOW + 1_000 * (i + 1));
    const [own, other] = stores as [Sessions, Sessions];
    const whole = wholeOf(own, [{ address: B, part: partOf(other, 1, 2) }]);
    const [apac] = overviewOf(whole).regions;
    expect(apac?.feed).toMatchObject({ up: false, since_ms: NOW + 2_000, or_earlier: false });
    expect([apac?.live, whole.shown.missing]).toEqual([undefined, []]);
  });

  it('is of processes that read a region each, too', () => {
    const own = partOf(storeOf(2, { regions: ['apac'] }));
    const other = partOf(storeOf(3, { regions: ['eu-west'], name: 't' }));
    const alone = finish(combine(own, [{ address: B, why: 'does not answer within 2 s' }], REGIONS));
    expect(alone.part.regions.map(({ region }) => region)).toEqual(['apac']);
    expect(alone.shown.missing).toHaveLength(1);
    const whole = finish(combine(own, [{ address: B, part: other }], REGIONS));
    expect(overviewOf(whole).regions.map(({ region, live }) => [region, live?.sessions])).toEqual([
      ['apac', 2],
      ['eu-west', 3],
    ]);
    expect(whole.shown).toEqual({ shards: ['0/1'], missing: [] });
  });

  it('adds counters up, and takes the clock that is furthest off, the shortest reach and the most Forwarders', () => {
    const [own, other] = [storeOf(1), storeOf(1)];
    const edges = [own, other].map((sessions) => sessions.totals('apac').edge);
    Object.assign(edges[0] as object, { accepted: 5, skewSeconds: -3, forwarders: 1 });
    Object.assign(edges[1] as object, { accepted: 7, skewSeconds: 2, forwarders: 2, hasTopologyMismatch: true });
    for (const edge of edges) edge.rejected.set('token_expired', 2);
    const whole = wholeOf(own, [{ address: B, part: partOf(other, 1, 2) }]);
    expect(overviewOf(whole).regions[0]?.health).toMatchObject({
      accepted: 12,
      rejected: { token_expired: 4, rate_limited: 0 },
      forwarders: 2,
      topology_mismatch: true,
      clock_skew_seconds: { host: 0, edge: -3 },
      stream_reach_seconds: 60,
    });
  });

  it('is from other sources when one of them began anew, came or went', () => {
    const part = partOf(storeOf(3), 1, 2);
    const sources = [
      [],
      [{ address: B, part }],
      [{ address: B, part: { ...part, startedAtMs: 7 } }],
      [{ address: C, part }],
    ].map((asked) => wholeOf(storeOf(2), asked).sources);
    expect(new Set(sources).size).toBe(4);
    expect(wholeOf(storeOf(9), [{ address: B, part }]).sources).toBe(sources[1]);
  });
});
