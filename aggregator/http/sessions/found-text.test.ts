import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fullPeer, validEntry } from '../../../test/support/edge/beacon.ts';
import type { MeasureName } from '../../live/measures.ts';
import type { Sessions } from '../../store/sessions.ts';
import { applyEntry, createTestSessions, NOW } from '../../store/testing.ts';
import { finish } from '../shards/testing.ts';
import { findEnded } from './ended-sessions.ts';
import { readFound, writeFound } from './found-text.ts';
import { type Listed, listEnded, listLiving, merge } from './listed.ts';
import { findWorst, WORST_SORTS } from './worst-sessions.ts';

function found(sessions: Sessions, sort: MeasureName = 'rtt', limit = 100): Listed {
  const query = { limit, nowMs: NOW + 60_000 };
  const worst = finish(findWorst(sessions, { ...query, sort, meetingId: 'm-1' }));
  const ended = finish(findEnded(sessions, query));
  return {
    total: worst.total,
    living: finish(listLiving(worst.sessions, sort)),
    ended: { total: ended.total, reachMs: ended.reachMs, list: finish(listEnded(ended.sessions)) },
  };
}

/** Sessions of one meeting, of which everything is known; the last of them has ended. */
function storeOf(ids: readonly string[], worse: (id: string) => number = () => 0): Sessions {
  const sessions = createTestSessions({ regions: ['apac'] });
  for (const session_id of ids) {
    for (const seq of [0, 1]) {
      const neteq = { operations_per_second: { expand: worse(session_id) } };
      const peers = [{ ...fullPeer('a', seq), neteq }];
      const sent = { audio: { packetsSent: 250 * (1 + seq), packetsLost: seq } };
      const rtt = [0.1 + worse(session_id) / 100];
      applyEntry(
        sessions,
        'apac',
        validEntry({ session_id, meeting_id: 'm-1', seq, peers, rtt, sent }, NOW + 5_000 * seq),
      );
    }
  }
  const leaving = { session_id: ids.at(-1) ?? '', meeting_id: 'm-1', seq: 2, leaving: true } as const;
  applyEntry(sessions, 'apac', validEntry(leaving, NOW + 6_000));
  return sessions;
}

function read(text: string) {
  return finish(readFound(text.split('\n'), 'rtt'));
}

describe('the text of what was found', () => {
  it('says what was found', () => {
    const list = found(storeOf(['s-1', 's-2', 's-3']));
    expect([list.living.length, list.ended?.list.length]).toEqual([2, 1]);
    const result = read([...writeFound(list)].join(''));
    // The order of members may be another one.
    const parsed = (one: Listed) => ({
      ...one,
      living: one.living.map(({ text, order }) => ({ order, session: JSON.parse(text) })),
      ended: { ...one.ended, list: one.ended?.list.map(({ text, order }) => ({ order, session: JSON.parse(text) })) },
    });
    if (!result.ok) throw new Error(result.why);
    expect(parsed(result.found)).toEqual(parsed(list));
  });

  const [head, living = '', , ended = ''] = [...writeFound(found(storeOf(['s-1', 's-2', 's-3'])))].map((line) =>
    line.trim(),
  );
  const END = '{"end":true}';

  it.each([
    ['an id that is none', living.replace('"s-', '"<b>')],
    ['an unknown cause', living.replace('"impaired":[', '"impaired":["bored"')],
    ['a figure that is a text', living.replace(/"rtt_seconds":[0-9.]+/, '"rtt_seconds":"1"')],
    ['no peers', living.replace('"peers"', '"others"')],
    ['an ended session without an end', ended.replace('"ended_ms"', '"when"')],
    ['an end at a time that no calendar has', ended.replace(/"ended_ms":\d+/, '"ended_ms":1e16')],
    ['an unknown reason', ended.replace('"left"', '"bored"')],
  ])('is none with %s', (_, line) => {
    expect([living, ended]).not.toContain(line);
    expect(read([head, line, END].join('\n'))).toEqual({ ok: false, why: expect.stringContaining('sessions') });
    expect(read([head, living, ended, END].join('\n'))).toMatchObject({ ok: true });
  });

  it('is none when the end is missing', () => {
    expect(read([head, living].join('\n'))).toEqual({ ok: false, why: 'its answer ends in the middle' });
  });

  it('never throws, whatever comes', () => {
    const lines = fc.oneof(fc.constantFrom(head as string, living, ended, END), fc.json(), fc.string());
    fc.assert(
      fc.property(fc.array(lines), (all) => {
        expect(read(all.join('\n'))).toHaveProperty('ok');
      }),
    );
  });
});

describe('what several processes found', () => {
  it.each(WORST_SORTS)('is in the order of one that has found all: by %s', (sort) => {
    const ids = Array.from({ length: 12 }, (_, i) => `s-${i}`);
    const worse = (id: string) => (Number(id.slice(2)) * 7) % 12;
    const parts = [0, 1, 2].map((n) => ids.filter((_, i) => i % 3 === n));
    const stores = parts.map((part) => storeOf(part, worse));
    const merged = merge(
      stores.map((sessions) => found(sessions, sort)),
      100,
    );
    expect([merged.total, merged.living.length, merged.ended?.total]).toEqual([9, 9, 3]);
    const orders = merged.living.map(({ order }) => order);
    expect(orders).toEqual(orders.toSorted((a, b) => b - a));
    expect(
      merge(
        stores.map((sessions) => found(sessions, sort)),
        4,
      ).living,
    ).toEqual(merged.living.slice(0, 4));
    // As the store has them, of each part.
    for (const sessions of stores) {
      const { living } = found(sessions, sort);
      expect(living.map(({ order }) => order)).toEqual(living.map(({ order }) => order).toSorted((a, b) => b - a));
    }
  });

  it('is complete since the latest that is', () => {
    const ended = (reachMs: number) => ({ total: 0, living: [], ended: { total: 0, reachMs, list: [] } });
    expect(merge([ended(5), ended(9), ended(7)], 10).ended?.reachMs).toBe(9);
    expect(merge([{ total: 0, living: [] }], 10)).toEqual({ total: 0, living: [] });
  });
});
