import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fullPeer, validEntry } from '../../../test/support/edge/beacon.ts';
import type { Sessions } from '../../store/sessions.ts';
import { applyEntry, createTestSessions, NOW } from '../../store/testing.ts';
import { partOf, read, sent, TOPOLOGY, textOf } from './testing.ts';

/** Two regions, of which one is down, with one session of which everything is known. */
function storeOfOne(): Sessions {
  const sessions = createTestSessions();
  for (const seq of [0, 1]) {
    const peers = [fullPeer('a', seq)];
    applyEntry(sessions, 'apac', validEntry({ session_id: 's-1', seq, rtt: [0.3], peers }, NOW + 5_000 * seq));
  }
  sessions.feedDown('eu-west', NOW + 7_000);
  sessions.totals('apac').edge.rejected.set('token_expired', 3);
  return sessions;
}

const TEXT = textOf(partOf(storeOfOne()));
const LINES = TEXT.trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));

/** The text with members of one of its lines replaced. */
function withLine(number: number, overrides: object): string {
  return LINES.map((line, i) => JSON.stringify(i === number ? { ...line, ...overrides } : line)).join('\n');
}

const HEAD = 0;
const REGION = 1;
const SERVER = 2;
const SILENT_REGION = 3;

describe('the text of a part', () => {
  it('says what was read, and of which topology', () => {
    const part = partOf(storeOfOne());
    expect(read(textOf(part))).toEqual({ ok: true, part: { ...part, topology: TOPOLOGY } });
    expect(part.regions.map(({ region, live }) => [region, live?.servers.length])).toEqual([
      ['apac', 1],
      ['eu-west', undefined],
    ]);
  });

  it('is read as it was written before what is added later', () => {
    expect(sent(partOf(storeOfOne()))).toEqual(sent(JSON.parse(JSON.stringify(partOf(storeOfOne())))));
    expect(read(withLine(SERVER, { later: 1 }))).toMatchObject({ ok: true });
  });

  const { live, findings } = LINES[SERVER];
  it.each<[string, number, object, string]>([
    ['another format', HEAD, { format: 3 }, 'aggregator'],
    ['other measures', HEAD, { bounds: '[]', version: '9.9.9' }, '9.9.9'],
    ['a shard that is none', HEAD, { shard: { index: 2, count: 2 } }, 'aggregator'],
    ['a region that is no name', REGION, { region: '<script>' }, 'figures'],
    [
      'living people where the feed is down',
      REGION,
      { feed: { up: false, since_ms: 1, or_earlier: false } },
      'figures',
    ],
    [
      'a time that no calendar has',
      SILENT_REGION,
      { feed: { up: false, since_ms: 1e16, or_earlier: false } },
      'figures',
    ],
    ['a negative count', SERVER, { sessions: -1 }, 'figures'],
    ['half a person', SERVER, { peers: 0.5 }, 'figures'],
    ['more quiet ones than there are', SERVER, { quiet: 2 }, 'figures'],
    ['absurdly many', SERVER, { sessions: 1e12 }, 'figures'],
    ['no findings', SERVER, { findings: undefined }, 'figures'],
    ['findings of unknown sides', SERVER, { findings: { ...findings, impairment: { sessions: {} } } }, 'figures'],
    ['a distribution that is a text', SERVER, { live: ['x', ...live.slice(1)] }, 'figures'],
    ['buckets that go back', SERVER, { live: [[9, 7, 1, 6, 1]] }, 'figures'],
    ['a bucket that does not exist', SERVER, { live: [[9, 99_999, 1]] }, 'figures'],
    ['an empty bucket', SERVER, { live: [[9, 7, 0]] }, 'figures'],
    ['a bucket without its count', SERVER, { live: [[9, 7]] }, 'figures'],
    ['more values than there are people', SERVER, { live: [[9, 7, 4e9]] }, 'figures'],
    ['a sum that is too large', SERVER, { live: [[1e12, 7, 1]] }, 'figures'],
    ['more measures than there are', SERVER, { live: Array(99).fill(null) }, 'figures'],
  ])('is none with %s', (_, number, overrides, why) => {
    expect(read(withLine(number, overrides))).toEqual({ ok: false, why: expect.stringContaining(why) });
  });

  it('is none when a region or server comes twice, a server before its region, or the end is missing', () => {
    const [head, region, server] = LINES.map((line) => JSON.stringify(line));
    const end = '{"end":true}';
    const bad = { ok: false, why: expect.stringContaining('figures') };
    expect(read([head, region, region, end].join('\n'))).toEqual(bad);
    expect(read([head, region, server, server, end].join('\n'))).toEqual(bad);
    expect(read([head, server, end].join('\n'))).toEqual(bad);
    expect(read(TEXT.slice(0, -20))).toEqual({ ok: false, why: expect.stringMatching('ends in the middle|figures') });
    expect(read('')).toMatchObject({ ok: false });
  });

  it('never throws, whatever comes', () => {
    const lines = fc.oneof(fc.constantFrom(...TEXT.split('\n')), fc.json(), fc.string(), fc.constant('{"end":true}'));
    fc.assert(
      fc.property(fc.array(lines), (all) => {
        expect(read(all.join('\n'))).toHaveProperty('ok');
      }),
    );
  });
});
