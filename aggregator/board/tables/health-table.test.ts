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

  it.each([
    [{ up: true, through: 'eu-west' } as const, 'up through eu-west'],
    [{ up: true, through: 'eu-west', lag_seconds: 3 } as const, 'up through eu-west, 3 s behind'],
    [{ up: true, lag_seconds: 0.1 } as const, 'up, no lag'],
  ])('%j: %s', (feed, text) => {
    expect(feedText(feed, regionOf(false).health)).toBe(text);
  });
});
