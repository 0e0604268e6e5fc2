import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../test/support/poll.ts';
import { createTestSessions } from '../../store/testing.ts';
import { createPacer } from '../pacer.ts';
import type { AskPeer, PeerAnswer } from './peer-client.ts';
import { createShards, PART_PATH } from './shards.ts';
import { partOf, TOPOLOGY, textOf } from './testing.ts';

const A = 'http://a';
const B = 'http://b';
const C = 'http://c';
const REGIONS = ['apac', 'eu-west'];

function answer(text: string): PeerAnswer {
  return { ok: true, body: Buffer.from(text) };
}

function part(index: number, count = 2): PeerAnswer {
  return answer(textOf(partOf(createTestSessions(), index, count)));
}

/** Shards whose answers are set by address and path, and what was asked and logged. */
function setUp(addresses: readonly string[], topology = TOPOLOGY) {
  const answers = new Map<string, PeerAnswer | Promise<PeerAnswer>>();
  const asked: string[] = [];
  const logged: { level: number; address: string; why?: string }[] = [];
  const ask: AskPeer = async (address, path) => {
    asked.push(`${address} ${path}`);
    return answers.get(`${address} ${path.split('?')[0]}`) ?? { ok: false, why: 'nobody is there' };
  };
  const log = pino({ level: 'info' }, { write: (line) => void logged.push(JSON.parse(line)) });
  const shard = { index: 0, count: 2 };
  const shards = createShards({ addresses, ask, shard, topology, regions: REGIONS, pacer: createPacer(), log });
  const says = (address: string, said: PeerAnswer | Promise<PeerAnswer>, path = PART_PATH) =>
    answers.set(`${address} ${path}`, said);
  return { shards, says, asked, logged };
}

describe('other shards', () => {
  it('are not known before they have answered', () => {
    const { shards } = setUp([A]);
    expect(shards.asked()).toEqual([{ address: A, why: 'has not been asked yet' }]);
  });

  it('are what they said last', async () => {
    const { shards, says } = setUp([A]);
    says(A, part(1));
    await shards.refresh();
    expect(shards.asked()).toMatchObject([{ address: A, shard: '1/2', part: { shard: { index: 1 } } }]);
    says(A, { ok: false, why: 'does not answer within 2 s' });
    await shards.refresh();
    // Old figures are no figures; which shard is missing is still known.
    expect(shards.asked()).toEqual([{ address: A, shard: '1/2', regions: REGIONS, why: 'does not answer within 2 s' }]);
  });

  it.each<[string, PeerAnswer, string]>([
    ['of another number of shards', part(1, 3), 'is shard 1/3, and this process is 0/2'],
    ['no aggregator', answer('<html>'), 'does not answer as an aggregator does: is it one, of this version?'],
    ['cut off', answer(textOf(partOf(createTestSessions(), 1, 2)).slice(0, -13)), 'its answer ends in the middle'],
  ])('are not taken in when they are %s', async (_, said, why) => {
    const { shards, says } = setUp([A]);
    says(A, said);
    await shards.refresh();
    expect(shards.asked()[0]).toMatchObject({ why });
    expect(shards.asked()[0]).not.toHaveProperty('part');
  });

  it('are not taken in when they have another topology', async () => {
    const { shards, says } = setUp([A], 'fedcba9876543210');
    says(A, part(1));
    await shards.refresh();
    expect(shards.asked()[0]).toMatchObject({ shard: '1/2', why: expect.stringContaining('topology') });
  });

  it('do not wait for each other, and a slow one is not asked a second time meanwhile', async () => {
    const { shards, says, asked } = setUp([A, B]);
    const slow = Promise.withResolvers<PeerAnswer>();
    says(A, slow.promise);
    says(B, part(1));
    const first = shards.refresh();
    await shards.refresh();
    await shards.refresh();
    await eventually(() => shards.asked()[1]?.shard === '1/2');
    await shards.refresh();
    expect(asked.map((one) => one.slice(0, A.length))).toEqual([A, B, B]);
    expect(shards.asked().map(({ shard }) => shard)).toEqual([undefined, '1/2']);
    slow.resolve(part(1));
    await first;
    expect(shards.asked().map(({ shard }) => shard)).toEqual(['1/2', '1/2']);
  });

  it('are logged when they come and go, and not in between', async () => {
    const { shards, says, logged } = setUp([A]);
    for (const said of [part(1), part(1), { ok: false, why: 'gone' } as const, { ok: false, why: 'gone' } as const]) {
      says(A, said);
      await shards.refresh();
    }
    expect(logged.map(({ level, address, why }) => [level, address, why])).toEqual([
      [30, A, undefined],
      [40, A, 'gone'],
    ]);
  });
});

describe('sessions of other shards', () => {
  const SESSIONS = `${PART_PATH}/sessions`;
  const found = answer('{"total":1}\n{"end":true}\n');

  it('are asked for once a shard, and neither of a replica of this one nor of one that is not known', async () => {
    const { shards, says, asked } = setUp([A, B, C, 'http://d']);
    for (const [address, index] of [
      [A, 0],
      [B, 1],
      [C, 1],
    ] as const) {
      says(address, part(index));
      says(address, found, SESSIONS);
    }
    await shards.refresh();
    asked.length = 0;
    expect(await shards.find('meeting_id=m-1', 'rtt')).toEqual({ found: [{ total: 1, living: [] }], missing: [] });
    expect(asked).toEqual([`${B} ${SESSIONS}?meeting_id=m-1`]);
  });

  it('are missing when nothing comes, or nothing that can be', async () => {
    const { shards, says } = setUp([A]);
    says(A, part(1));
    await shards.refresh();
    const missing = (why: string) => ({ found: [], missing: [{ address: A, shard: '1/2', why }] });
    expect(await shards.find('', 'rtt')).toEqual(missing('nobody is there'));
    says(A, answer('{"total":-1}\n{"end":true}\n'), SESSIONS);
    expect(await shards.find('', 'rtt')).toEqual(missing('does not answer as an aggregator of this version does'));
  });
});
