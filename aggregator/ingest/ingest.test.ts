import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { type Beacon, decodeBeacon } from '../../shared/beacon.ts';
import { type EdgeCounters, type Entry, encodeEntry, encodeEnvelope } from '../../shared/envelope.ts';
import { edgeCounters, validEntry } from '../../test/support/edge/beacon.ts';
import { createSessions, type Sessions } from '../store/sessions.ts';
import { createIngest } from './ingest.ts';

const NOW = 1_800_000_000_000;
const SUBJECT = 'health.diagnostics.apac.edge.f03';

function setUp(): { sessions: Sessions; send(message: string | Uint8Array, subject?: string): void } {
  const options = { servers: [], ttlSeconds: 30, maxSessions: 100, maxSessionSeries: 1_000 };
  const sessions = createSessions({ regions: ['apac', 'eu-west'], ...options });
  sessions.feedUp('apac', NOW);
  const ingest = createIngest(sessions);
  const bytesOf = (sent: string | Uint8Array) => (typeof sent === 'string' ? new TextEncoder().encode(sent) : sent);
  return { sessions, send: (sent, subject = SUBJECT) => ingest(subject, bytesOf(sent), NOW) };
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

  it.each<[string, string | Uint8Array]>([
    ['nothing', ''],
    ['no JSON', '{"v":1,'],
    ['no object', '[]'],
    ['another version', message({}).replace('"v":1', '"v":2')],
    ['another region than its subject', message({}).replace('"apac"', '"eu-west"')],
    ['another lane than its subject', message({}).replace('"f03"', '"f04"')],
    ['a region that is no token', message({}).replace('"apac"', '"*"')],
    ['beacons that are no array', message({}).replace('[]', '{}')],
    ['bytes that are no UTF-8', new Uint8Array([0xff, 0xfe, 0xc3])],
  ])('counts a message with %s as invalid, and changes nothing else', (_, sent) => {
    const { sessions, send } = setUp();
    send(sent);
    expect(sessions.totals('apac').invalid).toBe(1);
    expect(sessions.living()).toBe(0);
    expect([...sessions.cells()]).toEqual([]);
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

  it('keeps no message alive by the ids that it took from it', () => {
    const { sessions, send } = setUp();
    // Each message is some 100 kB and leaves one session behind, whose ids are long enough to be slices of its text.
    const sendOne = (n: number) => {
      const ids = { session_id: `session-with-a-long-name-${n}`, participant_id: `participant-with-a-long-name-${n}` };
      const beacons = Array.from({ length: 200 }, (_, seq) => ({ ...ids, meeting_id: `meeting-${n}-of-a-day`, seq }));
      const entries = beacons.map((beacon) => encodeEntry(asDecoded(validEntry(beacon, NOW))));
      send(encodeEnvelope({ region: 'apac', lane: 'f03', edge: edgeCounters({ epoch: `${n}` }) }, entries));
    };
    sendOne(0);
    const before = liveBytes();
    for (let n = 1; n < 80; n++) sendOne(n);
    expect(sessions.living()).toBe(80);
    expect(liveBytes() - before).toBeLessThan(3_000_000);
  });
});

/** As the edge writes an entry: members in the schema's order, which is what the scanner reads. */
function asDecoded(entry: Entry): Entry {
  const decoded = decodeBeacon(entry.beacon);
  if (!decoded.ok) throw new Error(decoded.detail);
  return { ...entry, beacon: decoded.value };
}

/** The heap in use after a full collection. */
function liveBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}
