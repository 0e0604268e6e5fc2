import { describe, expect, it } from 'vitest';
import { createRtt } from './rtt.ts';
import type { Stat } from './stats.ts';

function pair(totalRoundTripTime: number, responsesReceived: number, currentRoundTripTime = 9): Stat {
  return { id: 'pair', type: 'candidate-pair', totalRoundTripTime, responsesReceived, currentRoundTripTime };
}

/** Reads these pairs of one connection a second apart. @returns the samples */
function measure(...pairs: Stat[]): number[] | undefined {
  const rtt = createRtt();
  for (const [second, each] of pairs.entries()) {
    rtt.read(new Map([['0', each]]), second * 1_000);
  }
  return rtt.take(pairs.length * 1_000);
}

describe('RTT of a connection', () => {
  it('is the average of the checks that were answered between two readings', () => {
    expect(measure(pair(1, 10, 0.1), pair(1.5, 12))).toEqual([0.1, 0.25]);
  });

  it('has no sample while no check was answered', () => {
    expect(measure(pair(1, 10, 0.1), pair(1, 10, 0.1), pair(1, 10, 0.1))).toEqual([0.1]);
  });

  it('is the current one where there are no totals', () => {
    const bare: Stat = { id: 'pair', type: 'candidate-pair', currentRoundTripTime: 0.04 };
    expect(measure(bare, { ...bare, currentRoundTripTime: 0.06 })).toEqual([0.04, 0.06]);
  });

  it('is unknown before the first check was answered', () => {
    expect(measure({ id: 'pair', type: 'candidate-pair' })).toBeUndefined();
  });

  it('starts a new measurement with another pair', () => {
    const rtt = createRtt();
    rtt.read(new Map([['0 a', pair(100, 1_000, 0.1)]]), 0);
    rtt.read(new Map([['0 b', pair(0.02, 1, 0.02)]]), 1_000);
    rtt.read(new Map([['0 b', pair(0.08, 3)]]), 2_000);
    expect(rtt.take(2_000)).toEqual([0.1, 0.02, 0.03]);
  });

  it('is that of the worst of several, whichever was measured', () => {
    const rtt = createRtt();
    const bad = pair(3, 10, 0.3);
    expect(
      rtt.read(
        new Map([
          ['0', pair(0.5, 10, 0.05)],
          ['1', bad],
        ]),
        0,
      ),
    ).toBe('1');
    expect(
      rtt.read(
        new Map([
          ['0', pair(0.55, 11)],
          ['1', bad],
        ]),
        1_000,
      ),
    ).toBe('1');
    expect(rtt.take(1_000)).toEqual([0.3, 0.3]);
    expect(
      rtt.read(
        new Map([
          ['1', bad],
          ['0', pair(0.6, 12)],
        ]),
        2_000,
      ),
    ).toBe('1');
    expect(rtt.read(new Map([['0', pair(0.65, 13)]]), 3_000)).toBe('0');
    expect(rtt.take(3_000)).toEqual([0.3, 0.05]);
  });
});

describe('samples', () => {
  it('are those since the last beacon, or the newest again while it is recent enough', () => {
    const rtt = createRtt();
    rtt.add(0.1, 0);
    rtt.add(0.2, 1_000);
    expect(rtt.take(1_000)).toEqual([0.1, 0.2]);
    expect(rtt.take(11_000)).toEqual([0.2]);
    expect(rtt.take(11_001)).toBeUndefined();
  });

  it('are the newest 32, of which those that were given back are the oldest', () => {
    const rtt = createRtt();
    for (let i = 0; i < 40; i++) rtt.add(i / 1_000, i);
    const taken = rtt.take(40) ?? [];
    expect([taken.length, taken.at(-1)]).toEqual([32, 0.039]);
    rtt.add(0.5, 50);
    rtt.giveBack(taken);
    const again = rtt.take(60) ?? [];
    expect([again.length, again.at(-2), again.at(-1)]).toEqual([32, 0.039, 0.5]);
  });

  it('are numbers, or none', () => {
    const rtt = createRtt();
    for (const nonsense of [Number.NaN, -1, undefined as never, 'soon' as never]) rtt.add(nonsense, 0);
    expect(rtt.take(0)).toBeUndefined();
  });

  it('are in whole microseconds', () => {
    const rtt = createRtt();
    rtt.add(0.123_456_789, 0);
    expect(rtt.take(0)).toEqual([0.123_457]);
  });
});
