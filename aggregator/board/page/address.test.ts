import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readChoice, writeChoice } from './address.js';

const NONE = { region: '', sort: '', measure: '', meeting: '', session: '' };

describe('what is chosen, in the address', () => {
  it.each([
    ['', NONE],
    ['?region=apac&meeting=m-1', { ...NONE, region: 'apac', meeting: 'm-1' }],
    ['?session=s_1.x&sort=audio_mos&measure=rtt', { ...NONE, session: 's_1.x', sort: 'audio_mos', measure: 'rtt' }],
    ['?region=<script>&meeting=a%20b&unknown=1', NONE],
    [`?meeting=${'m'.repeat(65)}`, NONE],
  ])('is read from %j', (search, choice) => {
    expect(readChoice(search)).toEqual(choice);
  });

  it('is read as it was written', () => {
    const text = fc.oneof(fc.constant(''), fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/));
    const choices = fc.record({ region: text, sort: text, measure: text, meeting: text, session: text });
    fc.assert(
      fc.property(choices, (choice) => {
        expect(readChoice(writeChoice(choice))).toEqual(choice);
      }),
    );
  });

  it('leaves nothing in the address when nothing is chosen', () => {
    expect(writeChoice(NONE)).toBe('');
  });
});
