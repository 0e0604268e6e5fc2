import { expect, it } from 'vitest';
import { parseOverview } from './source.js';
import { createStore } from './testing.ts';

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
