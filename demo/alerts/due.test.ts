import { describe, expect, it } from 'vitest';
import { ALERTS } from '../../deploy/prometheus/source/groups.ts';
import { createFleet } from '../fleet.ts';
import { EPISODES, isUnderWay } from '../timetable.ts';
import { createOnsets, isDegraded, RAISES } from './due.ts';

const START_MS = 1_800_000_000_000;
const fleet = createFleet({ seed: 1, startMs: START_MS });
const sent = fleet.advance(START_MS + 5_000);
for (let atMs = START_MS + 10_000; atMs <= START_MS + 175_000; atMs += 5_000) sent.push(...fleet.advance(atMs));

describe('what episodes raise', () => {
  it('is alerts that exist', () => {
    const names = ALERTS.map(({ alert }) => alert);
    for (const name of Object.values(RAISES).flat()) expect(names).toContain(name);
  });

  it.each(EPISODES)('begins with the first beacon that the $kind episode of $target degrades', (episode) => {
    const degraded = sent.filter(
      (posted) => isUnderWay(episode, posted.atMs - START_MS) && isDegraded(episode, posted),
    );
    expect(degraded.length).toBeGreaterThan(3);
    expect(degraded.length).toBeLessThan(sent.length / 5);
    const [first] = degraded.toSorted((a, b) => a.atMs - b.atMs);
    const onsets = createOnsets(START_MS);
    for (const posted of sent.toSorted((a, b) => a.atMs - b.atMs)) onsets.note(posted, posted.atMs);
    for (const alert of RAISES[episode.kind]) {
      const onset = onsets.of(alert, first?.region ?? '');
      expect(onset?.atMs).toBeGreaterThanOrEqual(first?.atMs ?? 0);
      if (onset?.episode === episode) expect(onset.atMs).toBe(first?.atMs);
    }
    expect(onsets.of('EdgepulseFeedDown', first?.region ?? '')).toBeUndefined();
  });
});
