import { describe, expect, it } from 'vitest';
import { MEASURE } from './measures.ts';
import { createPopulation, cumulativeOf } from './population.ts';

describe('the population', () => {
  it('has one cell for the same labels', () => {
    const population = createPopulation();
    const cell = population.cell('apac', 'https://a', 'webrtc');
    expect(population.cell('apac', 'https://a', 'webrtc')).toBe(cell);
    expect(population.cell('apac', 'https://a', 'websocket')).not.toBe(cell);
    expect([...population.cells()]).toHaveLength(2);
  });

  it('replaces what a contributor contributes', () => {
    const population = createPopulation();
    const cell = population.cell('apac', 'none', 'none');
    population.replace(cell, MEASURE.rtt, Number.NaN, Number.NaN);
    expect(cell.live[MEASURE.rtt]).toBeUndefined();
    population.replace(cell, MEASURE.rtt, Number.NaN, 0.1);
    population.replace(cell, MEASURE.rtt, Number.NaN, 0.2);
    population.replace(cell, MEASURE.rtt, 0.1, 0.3);
    expect(cell.live[MEASURE.rtt]?.summarize([1])).toMatchObject({ count: 2, sum: 0.5 });
  });

  it('has no distributions left in a cell that nobody lives in, and what it counted', () => {
    const population = createPopulation();
    const cell = population.cell('apac', 'none', 'none');
    population.addSession(cell);
    population.replace(cell, MEASURE.expand, Number.NaN, 5);
    cumulativeOf(cell).rtt.observe(0.1);
    population.replace(cell, MEASURE.expand, 5, Number.NaN);
    population.removeSession(cell);
    expect(cell).toMatchObject({ sessions: 0, live: [], cumulative: { rtt: { sum: 0.1 } } });
  });
});
