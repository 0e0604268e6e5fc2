import { describe, expect, it } from 'vitest';
import type { Beacon } from '../../shared/beacon.ts';
import { type EdgeCounters, encodeEntry, encodeEnvelope } from '../../shared/envelope.ts';
import { edgeCounters, validEntry } from '../../test/support/edge/beacon.ts';
import { createSessions, type Sessions } from '../store/sessions.ts';
import { createIngest } from './ingest.ts';

const NOW = 1_800_000_000_000;
const SUBJECT = 'health.diagnostics.apac.edge.f03';

function setUp(): { sessions: Sessions; send(text: string, subject?: string): void } {
  const options = { servers: [], ttlSeconds: 30, maxSessions: 100, maxSessionSeries: 1_000 };
  const sessions = createSessions({ regions: ['apac', 'eu-west'], ...options });
  sessions.feedUp('apac', NOW);
  const ingest = createIngest(sessions);
  return { sessions, send: (text, subject = SUBJECT) => ingest(subject, new TextEncoder().encode(text), NOW) };
}

function message(edge: Partial<EdgeCounters>, ...beacons: Partial<Beacon>[]): string {
  const entries = beacons.map((beacon) => encodeEntry(validEntry(beacon, NOW)));
  return encodeEnvelope({ region: 'apac', lane: 'f03', edge: edgeCounters(edge) }, entries);
}

describe('ingest', () => {
  it('applies the beacons of a batch', () => {
    const { sessions, send } = setUp();
    send(message({}, { session_id: 's-1' }, { session_id: 's-2' }));
    expect(sessions.living()).toBe(2);
    expect(sessions.totals('apac')).toMatchObject({ applied: 2, invalid: 0 });
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{"v":1,'],
    ['no object', '[]'],
    ['another version', message({}).replace('"v":1', '"v":2')],
    ['another region than its subject', message({}).replace('"apac"', '"eu-west"')],
    ['another lane than its subject', message({}).replace('"f03"', '"f04"')],
    ['a region that is no token', message({}).replace('"apac"', '"*"')],
    ['beacons that are no array', message({}).replace('[]', '{}')],
    ['bytes that are no UTF-8', '\uFFFD\uFFFD'],
  ])('counts a message with %s as invalid, and changes nothing else', (_, text) => {
    const { sessions, send } = setUp();
    send(text);
    expect(sessions.totals('apac').invalid).toBe(1);
    expect(sessions.living()).toBe(0);
    expect(sessions.population.size).toBe(0);
  });

  it('leaves out a damaged beacon, and applies those beside it', () => {
    const { sessions, send } = setUp();
    send(message({}, { session_id: 's-1' }, { session_id: 's 2' }, { session_id: 's-3' }));
    expect(sessions.living()).toBe(2);
    expect(sessions.totals('apac')).toMatchObject({ applied: 2, invalid: 1 });
  });

  it('ignores regions that are not ours', () => {
    const { sessions, send } = setUp();
    send(message({}, {}), 'health.diagnostics.nowhere.edge.f03');
    send(message({}, {}), 'health.diagnostics.apac.relay.f03');
    expect(sessions.living()).toBe(0);
  });

  it('skips a batch that was published twice, whole', () => {
    const { sessions, send } = setUp();
    for (const _ of [1, 2]) send(message({ batch: 4, accepted: 1 }, {}));
    expect(sessions.totals('apac')).toMatchObject({ applied: 1, duplicate: 0, repeatedBatches: 1 });
  });

  it('takes a batch without counters: they are for graphs', () => {
    const { sessions, send } = setUp();
    send(message({}, {}).replace(/"edge":.*}$/, '"edge":{}}'));
    send(`{"v":1,"region":"apac","lane":"f03","beacons":[${encodeEntry(validEntry({ seq: 1 }, NOW))}]}`);
    expect(sessions.totals('apac')).toMatchObject({ applied: 2, invalid: 0 });
  });

  it('never keeps a text longer than the ids of a session need', () => {
    const { sessions, send } = setUp();
    const long = 'a-session-with-a-rather-long-name-that-could-be-a-slice-of-its-message';
    send(message({}, { session_id: long.slice(0, 64), meeting_id: `m-${long}`.slice(0, 64) }));
    expect([...sessions.roster.meetings.keys()]).toEqual([`m-${long}`.slice(0, 64)]);
  });
});
