import { describe, expect, it } from 'vitest';
import { createStore } from '../testing.ts';
import { feedText } from './health-table.js';

describe('the state of a feed', () => {
  const regionOf = (mismatch: boolean) => {
    const store = createStore(['apac']);
    store.sessions.totals('apac').edge.hasTopologyMismatch = mismatch;
    const [region] = store.overview().regions;
    if (!region) throw new Error('no region');
    return region;
  };

  it.each([
    [false, 'up'],
    [true, 'up, but the edge has a different topology'],
  ])('with a topology that differs: %s', (mismatch, text) => {
    const { feed, health } = regionOf(mismatch);
    expect(feedText(feed, health)).toBe(text);
  });
});
