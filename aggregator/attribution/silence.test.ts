import { describe, expect, it } from 'vitest';
import { createPublisher, type Publisher, reportOwnAudio } from './publisher.ts';
import { ARRIVAL, type Arrival, nextSilence, SILENCE, type Silence, silenceCause } from './silence.ts';

const { heardOrUnknown, noPackets, noEnergy } = ARRIVAL;
/** Everybody sends a beacon so often. */
const INTERVAL_MS = 5_000;

/** What the sender says of itself in one round, and what comes of it at the receiver. */
type Round = { readonly sending?: boolean; readonly energy?: number; readonly arrival: Arrival };

/** A call of two, in rounds; the sender's beacon comes before the receiver's. @returns the cause after each round */
function causesOf(rounds: readonly Round[], publisher = createPublisher()): (string | undefined)[] {
  let silence: Silence = SILENCE.none;
  return rounds.map(({ sending, energy, arrival }, round) => {
    const newestAtMs = round * INTERVAL_MS + 100;
    const own = {
      atMs: round * INTERVAL_MS,
      sending: sending === undefined ? Number.NaN : Number(sending),
      sourceEnergy: energy ?? Number.NaN,
    };
    reportOwnAudio(publisher, own);
    silence = nextSilence(silence, arrival, publisher, { previousAtMs: newestAtMs - INTERVAL_MS, newestAtMs });
    return silenceCause(silence, publisher, newestAtMs);
  });
}

const sending = { sending: true };

describe('a stream', () => {
  it('is silent from the second beacon on that brings no packets of somebody who sends', () => {
    const rounds = [heardOrUnknown, noPackets, noPackets, noPackets, heardOrUnknown].map((arrival) => ({
      ...sending,
      arrival,
    }));
    expect(causesOf(rounds)).toEqual([undefined, undefined, 'no_packets', 'no_packets', undefined]);
  });

  it('is silent when two beacons bring packets without energy of somebody who speaks', () => {
    const rounds = [0.1, 0.2, 0.3].map((energy) => ({ ...sending, energy, arrival: noEnergy }));
    expect(causesOf(rounds)).toEqual([undefined, undefined, 'no_energy']);
  });

  it.each<[string, readonly Round[]]>([
    ['the sender is muted', [1, 2, 3].map(() => ({ sending: false, energy: 1, arrival: noPackets }))],
    ['the sender does not say whether it sends', [1, 2, 3].map(() => ({ arrival: noPackets }))],
    ['the sender is quiet', [1, 1, 1].map((energy) => ({ ...sending, energy, arrival: noEnergy }))],
    [
      'the sender is as loud as a room',
      [1e-6, 2e-6, 3e-6].map((energy) => ({ ...sending, energy, arrival: noEnergy })),
    ],
    ['the sender does not report its energy', [1, 2, 3].map(() => ({ ...sending, arrival: noEnergy }))],
    ['nothing came only once', [noPackets, heardOrUnknown, noPackets].map((arrival) => ({ ...sending, arrival }))],
    [
      "the sender's energy comes and goes",
      [{ energy: 0.1 }, {}, { energy: 0.3 }, {}].map((own) => ({ ...sending, ...own, arrival: noEnergy })),
    ],
    ["the sender's energy began again", [3, 2, 1].map((energy) => ({ ...sending, energy, arrival: noEnergy }))],
    [
      'the sender muted between the two',
      [true, false, true].map((isSending) => ({ sending: isSending, arrival: noPackets })),
    ],
  ])('is not when %s', (_, rounds) => {
    expect(causesOf(rounds)).toEqual(rounds.map(() => undefined));
  });

  it('takes speech that is newer than the beacon before, and stays until a newer one is due', () => {
    const publisher = createPublisher();
    const speak = (atMs: number, sourceEnergy: number) => reportOwnAudio(publisher, { atMs, sending: 1, sourceEnergy });
    let silence: Silence = SILENCE.none;
    const receive = (previousAtMs: number, newestAtMs: number) => {
      silence = nextSilence(silence, noEnergy, publisher, { previousAtMs, newestAtMs });
      return silenceCause(silence, publisher, newestAtMs);
    };
    speak(0, 0.1);
    speak(8_000, 0.2);
    // The receiver sends twice as often. It heard what was said before the first of these, and nobody has spoken since.
    expect([receive(8_100, 12_100), receive(12_100, 16_000)]).toEqual([undefined, undefined]);
    speak(16_100, 0.3);
    expect([receive(16_000, 20_000), receive(20_000, 24_000)]).toEqual(['no_energy', 'no_energy']);
    // It says nothing any more.
    speak(24_100, 0.3);
    expect(receive(24_000, 28_000)).toBeUndefined();
  });

  it('needs two beacons after the sender unmuted again', () => {
    const rounds = [true, true, false, true, true].map((isSending) => ({ sending: isSending, arrival: noPackets }));
    expect(causesOf(rounds)).toEqual([undefined, 'no_packets', undefined, undefined, 'no_packets']);
  });
});

describe('a claimed silence', () => {
  const AT_MS = 2 * INTERVAL_MS + 100;

  function claimed(): Publisher {
    const publisher = createPublisher();
    const rounds = [noPackets, noPackets, noPackets].map((arrival) => ({ ...sending, arrival }));
    expect(causesOf(rounds, publisher).at(-1)).toBe('no_packets');
    return publisher;
  }

  const say = (publisher: Publisher, isSending: number, afterMs = 1) =>
    reportOwnAudio(publisher, { atMs: AT_MS + afterMs, sending: isSending, sourceEnergy: Number.NaN });

  it.each<[string, (publisher: Publisher) => void]>([
    ['its sender mutes', (publisher) => say(publisher, 0)],
    ['its sender says no more whether it sends', (publisher) => say(publisher, Number.NaN)],
    [
      'its sender has muted and unmuted',
      (publisher) => {
        say(publisher, 0);
        say(publisher, 1, 2);
      },
    ],
    [
      'its sender began again',
      (publisher) => {
        publisher.own = undefined;
      },
    ],
    [
      'its sender left',
      (publisher) => {
        publisher.isHere = false;
      },
    ],
  ])('ends at once when %s', (_, happen) => {
    const publisher = claimed();
    happen(publisher);
    expect(silenceCause(SILENCE.noPackets, publisher, AT_MS)).toBeUndefined();
  });

  it('ends when nothing was heard of its sender for longer than a lost beacon takes', () => {
    const publisher = claimed();
    expect(silenceCause(SILENCE.noPackets, publisher, AT_MS + 15_000)).toBe('no_packets');
    expect(silenceCause(SILENCE.noPackets, publisher, AT_MS + 17_000)).toBeUndefined();
  });
});
