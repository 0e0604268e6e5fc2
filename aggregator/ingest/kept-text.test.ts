/** What is kept of a message: its ids, as texts of their own, and never the message. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { encodeEntry, joinBatch } from '../../shared/batch.ts';
import type { Beacon } from '../../shared/beacon.ts';
import { longId, validEntry } from '../../test/support/edge/beacon.ts';
import { createTestSessions, NOW } from '../store/testing.ts';
import { createForwarders } from './forwarders.ts';
import { createIngest } from './ingest.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const MESSAGES = 200;
const MESSAGE_BYTES = 100_000;
/** Field 99, which no version has, of so many bytes. @see https://protobuf.dev/programming-guides/encoding/ */
const PADDING = Buffer.concat([Buffer.from([0x9a, 0x06, 0xa0, 0x8d, 0x06]), Buffer.alloc(MESSAGE_BYTES)]);

type Made = (id: (prefix: string) => string) => Partial<Beacon>;

describe('a message is not kept', () => {
  it.each<[string, Made]>([
    ['sessions', (id) => ({ session_id: id('s'), meeting_id: id('m'), participant_id: id('p') })],
    ['sessions that leave', (id) => ({ session_id: id('s'), meeting_id: id('m'), leaving: true })],
    ['peers', (id) => ({ session_id: id('s'), peers: [{ peer_id: id('q') }, { peer_id: id('r') }] })],
    ['servers', (id) => ({ session_id: id('s'), server: { url: `https://${id('h')}.example`, type: 'webrtc' } })],
  ])('by the ids of %s', (_, made) => {
    const bytes = keptBytes(made);
    // What is kept of them, and compiled code that a busy machine's collector has not dropped yet: 1.3 MB of 20 were seen.
    expect(bytes).toBeLessThan(0.1 * MESSAGES * MESSAGE_BYTES);
  });

  it('which is measured: parts of a long text keep all of it', () => {
    const before = liveBytes();
    const kept = Array.from({ length: MESSAGES }, () => Buffer.alloc(MESSAGE_BYTES, 'x').toString('latin1').slice(-36));
    expect(liveBytes() - before).toBeGreaterThan(0.9 * MESSAGES * MESSAGE_BYTES);
    expect(kept).toHaveLength(MESSAGES);
  });
});

/** What memory grew by from so many messages with a beacon each. */
function keptBytes(made: Made): number {
  const sessions = createTestSessions();
  const ingest = createIngest(
    sessions,
    createForwarders({
      regions: sessions.regions,
      shard: { index: 0, count: 1 },
      topology: '',
      totalsOf: (region) => sessions.totals(region).edge,
      onTopology() {},
    }),
  );
  const send = (i: number) => {
    const entry = encodeEntry(
      validEntry(
        made((prefix) => longId(prefix, i)),
        NOW,
      ),
    );
    const batch = joinBatch({ slot: 0, epoch: 'kept', accepted: i + 1, sentAtMs: NOW }, [entry]);
    ingest('health.diagnostics.apac.edge.f00', Buffer.concat([batch, PADDING]), { storedAtMs: NOW, nowMs: NOW });
  };
  send(0);
  const before = liveBytes();
  for (let i = 1; i <= MESSAGES; i++) send(i);
  const grown = liveBytes() - before;
  const { applied, invalid } = sessions.totals('apac');
  expect([applied, invalid]).toEqual([MESSAGES + 1, 0]);
  return grown;
}

function liveBytes(): number {
  // The second waits for what the first gave to another thread: the memory of buffers.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
