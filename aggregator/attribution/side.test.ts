import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Evidence, faresBadly, isServerAtFault, type Share, sideOf } from './side.ts';

const share = (bad: number, of: number): Share => ({ bad, of });

/** In the words of a meeting: how its people hear the publisher, the receiver hears them, and others hear them. */
const evidence = (publisher: Share, receiver: Share, rest: Share): Evidence => ({ publisher, receiver, rest });

describe('the side of a bad stream', () => {
  it.each<[string, Evidence, ReturnType<typeof sideOf>]>([
    ['is the publisher that everybody hears badly', evidence(share(3, 3), share(1, 3), share(0, 6)), 'publisher'],
    ['is the publisher that most hear badly', evidence(share(2, 3), share(1, 3), share(0, 6)), 'publisher'],
    ['is the receiver that hears everybody badly', evidence(share(1, 3), share(3, 3), share(0, 6)), 'receiver'],
    ['is the receiver that hears most badly', evidence(share(1, 3), share(2, 3), share(0, 6)), 'receiver'],
    ['is not known of a stream that is bad alone', evidence(share(1, 3), share(1, 3), share(0, 6)), 'unknown'],
    ['is not known where two people are', evidence(share(1, 1), share(1, 1), share(0, 0)), 'unknown'],
    ['is not known where three people are', evidence(share(2, 2), share(1, 2), share(0, 2)), 'unknown'],
    [
      'is not the publisher where half of its receivers hear it well',
      evidence(share(2, 4), share(1, 4), share(0, 12)),
      'unknown',
    ],
    [
      'is the publisher where both ends are bad alike: either would be right',
      evidence(share(5, 5), share(5, 5), share(0, 20)),
      'publisher',
    ],
    [
      'is the receiver where two of three receivers are bad, and one end is worse',
      evidence(share(2, 3), share(3, 3), share(1, 4)),
      'receiver',
    ],
    ['is neither where the whole meeting is bad', evidence(share(3, 3), share(3, 3), share(6, 6)), 'unknown'],
    [
      'is neither where most of the meeting is bad, however bad an end is',
      evidence(share(9, 9), share(6, 9), share(50, 72)),
      'unknown',
    ],
    [
      'is the publisher whom a whole audience hears badly, though each hears nobody else',
      evidence(share(40, 40), share(1, 1), share(0, 0)),
      'publisher',
    ],
    [
      'is not known where two thirds of an audience hear it badly, who hear nobody else',
      evidence(share(2, 3), share(1, 1), share(0, 0)),
      'unknown',
    ],
    [
      'is not the receiver where nobody else hears the publisher',
      evidence(share(1, 1), share(3, 3), share(0, 0)),
      'unknown',
    ],
  ])('%s', (_, given, side) => {
    expect(sideOf(given)).toBe(side);
  });

  const streams = fc.tuple(fc.nat(30), fc.nat(30)).map(([a, b]) => share(Math.min(a, b), Math.max(a, b)));
  /** With the stream in question, which is bad. */
  const end = streams.map(({ bad, of }) => share(bad + 1, of + 1));

  it('blames an end only when most of at least three of its streams are bad', () => {
    fc.assert(
      fc.property(end, end, streams, (publisher, receiver, rest) => {
        const side = sideOf({ publisher, receiver, rest });
        if (side === 'unknown') return;
        const { bad, of } = side === 'publisher' ? publisher : receiver;
        expect(of).toBeGreaterThanOrEqual(3);
        expect(bad / of).toBeGreaterThan(0.5);
      }),
    );
  });

  it('blames an end that fares no better than the other, nor much like the rest', () => {
    fc.assert(
      fc.property(end, end, streams, (publisher, receiver, rest) => {
        const side = sideOf({ publisher, receiver, rest });
        if (side === 'unknown' || receiver.of === 1) return;
        const [blamed, other] = side === 'publisher' ? [publisher, receiver] : [receiver, publisher];
        expect(blamed.bad / blamed.of).toBeGreaterThanOrEqual(other.bad / other.of);
        if (rest.of > 0) expect(blamed.bad / blamed.of - rest.bad / rest.of).toBeGreaterThanOrEqual(0.5 - 1e-9);
      }),
    );
  });
});

describe('a server', () => {
  it.each([
    ['most of its sessions fare badly, in three meetings', { sessions: 9, faringBadly: 5, meetings: 3 }, true],
    ['they are only half', { sessions: 10, faringBadly: 5, meetings: 3 }, false],
    ['they are fewer than five', { sessions: 4, faringBadly: 4, meetings: 3 }, false],
    ['they are in two meetings', { sessions: 9, faringBadly: 9, meetings: 2 }, false],
  ])('is judged when %s', (_, state, isAtFault) => {
    expect(isServerAtFault(state)).toBe(isAtFault);
  });

  it.each([
    ['its RTT is bad', true, share(0, 3), true],
    ['half of what it receives is bad', false, share(1, 2), true],
    ['one of three that it receives is bad', false, share(1, 3), false],
    ['nothing is', false, share(0, 0), false],
  ])('makes a session fare badly: %s', (_, isRttBad, received, does) => {
    expect(faresBadly(isRttBad, received)).toBe(does);
  });
});
