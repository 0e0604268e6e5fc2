import { describe, expect, it } from 'vitest';
import { createDeparted, type Departure, type SessionIds } from './departed.ts';
import { sequences } from './sequence.ts';

function named(sessionId: string): SessionIds {
  return { meetingId: 'm', sessionId };
}

function leftAt(leftAtMs: number): Departure {
  const sequence = sequences.begin({ seq: 0, receivedAtMs: leftAtMs }, Number.NaN);
  return {
    sequence,
    ended: undefined,
    accountedUntilMs: 0,
    packets: undefined,
    leftAtMs,
    forgetAtMs: leftAtMs + 30_000,
  };
}

describe('departed sessions', () => {
  it('are remembered until their time is over, and forgotten a portion at a time', () => {
    const departed = createDeparted(10);
    for (const i of [0, 1, 2]) departed.remember(named(`s-${i}`), leftAt(i));
    expect(departed.forgetDue(29_999, 10)).toBe(0);
    expect(departed.forgetDue(30_001, 1)).toBe(1);
    expect(departed.find(named('s-0'))).toBeUndefined();
    expect(departed.forgetDue(30_001, 10)).toBe(1);
    expect(departed.find(named('s-2'))).toMatchObject({ leftAtMs: 2 });
  });

  it('lose the one that left first when there are too many', () => {
    const departed = createDeparted(2);
    departed.remember(named('a'), leftAt(0));
    departed.remember(named('b'), leftAt(1));
    departed.remember(named('a'), leftAt(2));
    departed.remember(named('c'), leftAt(3));
    expect(departed.size).toBe(2);
    expect(departed.find(named('b'))).toBeUndefined();
    expect(departed.find(named('a'))).toMatchObject({ leftAtMs: 2 });
  });

  it.each([
    [1_999, true],
    [2_000, false],
  ])('tell a beacon %i ms after the end from one of a session that goes on', (ms, isLate) => {
    expect(createDeparted(1).isLateBeacon(leftAt(5_000), 5_000 + ms)).toBe(isLate);
  });
});
