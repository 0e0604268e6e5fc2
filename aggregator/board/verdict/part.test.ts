import { expect, it } from 'vitest';
import { createStore } from '../testing.ts';
import { partText } from './part.js';
import { reachVerdict } from './verdict.js';

it.each([
  [
    'nothing where one process has it all',
    { shard: { index: 0, count: 1 }, shown: { shards: ['0/1'], missing: [] } },
    '',
  ],
  [
    'which part it is, without BOARD_PEERS',
    { shard: { index: 0, count: 2 }, shown: { shards: ['0/2'], missing: [] } },
    'This shows a part: shard 0 of 2. Set BOARD_PEERS to include the other 1 shard.',
  ],
  [
    'nothing where all of them answered',
    { shard: { index: 0, count: 2 }, shown: { shards: ['0/2', '1/2'], missing: [] } },
    '',
  ],
  [
    'who did not answer',
    {
      shard: { index: 0, count: 2 },
      shown: { shards: ['0/2'], missing: [{ address: 'http://agg-1:9464', shard: '1/2', why: 'no answer in 2 s' }] },
    },
    'This is a part: no answer from shard 1/2 at http://agg-1:9464 (no answer in 2 s).',
  ],
  [
    'who did not answer, of many the first ones',
    {
      shard: { index: 0, count: 9 },
      shown: { shards: ['0/9'], missing: ['a', 'b', 'c', 'd', 'e'].map((address) => ({ address, why: 'gone' })) },
    },
    'This is a part: no answer from a (gone), b (gone), c (gone) and 2 more.',
  ],
])('says %s', (_, overview, text) => {
  expect(partText(overview)).toBe(text);
});

it('takes the calm out of the verdict while a shard does not answer', () => {
  const store = createStore(['apac']);
  store.add('apac', { count: 20, rtt: 0.08, expand: 0.5 });
  const missing = [{ address: 'http://agg-1:9464', shard: '1/2', why: 'does not answer within 2 s' }];
  const verdict = reachVerdict({ ...store.overview(), shown: { shards: ['0/2'], missing } });
  expect(verdict).toMatchObject({ level: 'unknown', headline: 'a part does not answer' });
  expect(verdict.sentence).toMatch(/^Nothing is known of a part of the fleet.*\. Elsewhere all is well: /);
});
