import { expect, it } from 'vitest';
import { createStore } from '../testing.ts';
import { parseOverview } from './source.js';

it('reads what the aggregator answers', () => {
  const overview = createStore(['apac']).overview();
  expect(parseOverview(JSON.stringify(overview))).toEqual(overview);
});

it.each(['', '<html>', 'null', '"x"', '[]', '{}', '{"regions":[]}', '{"regions":[{}]}'])(
  'shows nothing of an answer that is %j',
  (text) => {
    expect(() => parseOverview(text)).toThrow(/JSON|overview/);
  },
);

it.each(['history', 'shown', 'incident', 'shard'])(
  'shows nothing of an older aggregator, which has no %s',
  (member) => {
    const { [member as 'history']: _, ...overview } = createStore(['apac']).overview();
    expect(() => parseOverview(JSON.stringify(overview))).toThrow(/overview/);
  },
);
