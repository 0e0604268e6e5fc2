import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MEASURE, MEASURES, type MeasureName } from '../live/measures.ts';
import { millionthsOf, UNKNOWN } from '../live/millionths.ts';
import { createPublisher } from './publisher.ts';
import { SILENCE, type Silence } from './silence.ts';
import {
  AUDIO_BAD,
  AUDIO_JUDGED,
  isSuspect,
  replaceState,
  silenceOf,
  stateOf,
  VIDEO_BAD,
  VIDEO_JUDGED,
  withoutSilence,
} from './stream.ts';

const { none, suspected } = SILENCE;

function valuesOf(known: { readonly [Name in MeasureName]?: number }): Uint32Array {
  const values = new Uint32Array(MEASURES.length).fill(UNKNOWN);
  for (const [name, value] of Object.entries(known)) values[MEASURE[name as MeasureName]] = millionthsOf(value);
  return values;
}

const AUDIO = AUDIO_JUDGED | AUDIO_BAD;
const VIDEO = VIDEO_JUDGED | VIDEO_BAD;

describe('the state of a stream', () => {
  it.each<[string, { readonly [Name in MeasureName]?: number }, number]>([
    ['nothing', {}, 0],
    ['a buffer alone, which has no objective', { neteq_buffer: 3 }, 0],
    ['concealment at its objective', { concealment: 0.05 }, AUDIO_JUDGED],
    ['concealment over it', { concealment: 0.050001 }, AUDIO],
    ['expand over it', { concealment: 0.01, expand: 15.1 }, AUDIO],
    ['audio packet loss over it', { audio_packet_loss: 0.11 }, AUDIO],
    ['video packet loss over it', { video_packet_loss: 0.11 }, VIDEO],
    ['freezes over it', { video_freeze: 0.2, audio_packet_loss: 0 }, VIDEO | AUDIO_JUDGED],
    ['well known', { concealment: 0, video_freeze: 0 }, AUDIO_JUDGED | VIDEO_JUDGED],
  ])('by %s', (_, known, state) => {
    expect(stateOf(valuesOf(known), false, none)).toBe(state);
    expect(isSuspect(state)).toBe((state & (AUDIO_BAD | VIDEO_BAD)) !== 0);
  });

  it('is not known by what was played of a quiet sender, and is by what arrived', () => {
    expect(stateOf(valuesOf({ concealment: 0, expand: 0 }), true, none)).toBe(0);
    expect(stateOf(valuesOf({ concealment: 0, audio_packet_loss: 0 }), true, none)).toBe(AUDIO_JUDGED);
    expect(stateOf(valuesOf({ concealment: 0.2 }), true, none)).toBe(AUDIO);
  });

  it('holds a silence beside it', () => {
    for (const silence of Object.values(SILENCE)) {
      const state = stateOf(valuesOf({ concealment: 0.2, video_freeze: 0.2 }), false, silence);
      expect(silenceOf(state)).toBe(silence);
      expect(withoutSilence(state)).toBe(AUDIO | VIDEO);
    }
    expect(isSuspect(stateOf(valuesOf({}), false, suspected))).toBe(false);
    expect(isSuspect(stateOf(valuesOf({}), false, SILENCE.noEnergy))).toBe(true);
  });
});

describe('the counts of a publisher', () => {
  const figure = fc.constantFrom(Number.NaN, 0, 0.04, 0.2);
  const states = fc
    .tuple(figure, figure, fc.constantFrom<Silence>(...Object.values(SILENCE)))
    .map(([concealment, video_freeze, silence]) => stateOf(valuesOf({ concealment, video_freeze }), false, silence));

  it('are those of the newest states of its streams, and none after all went', () => {
    const changes = fc.array(fc.tuple(fc.nat(4), states), { maxLength: 60 });
    fc.assert(
      fc.property(changes, (steps) => {
        const publisher = createPublisher();
        const now = [0, 0, 0, 0, 0];
        const replace = (stream: number, state: number) => {
          replaceState(publisher, now[stream] as number, state);
          now[stream] = state;
        };
        for (const [stream, state] of steps) replace(stream, state);
        const having = (bit: number) => now.filter((state) => (state & bit) !== 0).length;
        const silent = now.filter((state) => silenceOf(state) >= SILENCE.noPackets && (state & AUDIO_BAD) === 0);
        const unheard = silent.filter((state) => (state & AUDIO_JUDGED) === 0);
        expect(publisher).toMatchObject({
          audioJudged: having(AUDIO_JUDGED),
          audioBad: having(AUDIO_BAD),
          videoJudged: having(VIDEO_JUDGED),
          videoBad: having(VIDEO_BAD),
          silent: silent.length,
          unheard: unheard.length,
        });
        for (const stream of now.keys()) replace(stream, 0);
        expect(publisher).toEqual(createPublisher());
      }),
    );
  });
});
