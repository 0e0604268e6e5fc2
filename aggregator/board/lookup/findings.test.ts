import { expect, it } from 'vitest';
import { OBJECTIVES } from '../../../shared/objectives.ts';
import type { EndedSession, WorstPeer, WorstSession } from '../../http/answers.ts';
import { formatClock } from '../page/format.js';
import { NOW } from '../testing.ts';
import { describeMeeting } from './findings.js';
import { readMeeting } from './meeting.js';
import { ended, LOSSY, living, meetingOf, peer } from './testing.ts';

const IDS = ['anna', 'ben', 'carl', 'dora'];
const bad = (side: WorstPeer['side']) => ({ ...LOSSY, ...(side ? { side } : {}) });

function sentenceOf(sessions: readonly WorstSession[], gone: readonly EndedSession[] = []): string {
  return describeMeeting(readMeeting(sessions, gone, OBJECTIVES));
}

it.each<[string, Parameters<typeof meetingOf>[1], string]>([
  ['that all is well', () => undefined, '4 people: everybody hears everybody well.'],
  [
    'whose uplink is bad',
    (from) => (from === 'anna' ? bad('publisher') : undefined),
    '4 people: anna is heard badly by 3 of 3: its own uplink.',
  ],
  [
    'whose downlink is bad',
    (_, to) => (to === 'ben' ? bad('receiver') : undefined),
    '4 people: ben hears 3 of 3 badly: its own downlink.',
  ],
  ['which server it is', () => bad('server'), '4 people: 4 sessions hurt by the server webrtc media-1.example.com.'],
  [
    'that one does not hear one',
    (from, to) => (from === 'carl' && to === 'dora' ? { silence: 'no_packets' } : undefined),
    '4 people: carl is not heard by 1 of 3: no packets arrive.',
  ],
  [
    'that nobody hears one',
    (from) => (from === 'carl' ? { silence: 'no_energy' } : undefined),
    '4 people: carl is heard by nobody: its packets carry silence.',
  ],
  [
    'that the side is not known',
    (from, to) => (from === 'anna' && to === 'ben' ? bad('unknown') : undefined),
    '4 people: 1 bad stream of which the side is not known.',
  ],
])('says %s', (_, figures, sentence) => {
  expect(sentenceOf(meetingOf(IDS, figures))).toBe(sentence);
});

it('says who is quiet, impaired, and has a bad RTT', () => {
  const sessions = [
    living('anna', [], { impaired: ['rtt'] }),
    living('ben', [], { quiet: true }),
    living('ben-2', [], { participant_id: 'p-ben' }),
  ];
  expect(sentenceOf(sessions)).toBe('3 sessions, 1 quiet, 1 impaired: anna has a bad RTT.');
});

it('says how it ended', () => {
  expect(sentenceOf([], [ended('anna', NOW), ended('ben', NOW - 5_000, 'stale')])).toBe(
    `Over: the last of 2 sessions ended at ${formatClock(NOW)}, 1 of them without a goodbye. These are the last figures.`,
  );
});

it.each<[string, readonly WorstSession[], string]>([
  [
    'when all are quiet',
    [living('anna', [peer('ben')], { quiet: true }), living('ben', [peer('anna')], { quiet: true })],
    '2 people, 2 quiet: nothing is known of now, for their beacons are overdue.',
  ],
  ['to somebody who receives nothing', [living('anna', [])], '1 person: nobody says how they hear anybody.'],
  [
    'of streams without a figure',
    [living('anna', [{ peer_id: 'ben' }]), living('ben', [{ peer_id: 'anna' }])],
    '2 people: nobody says how they hear anybody.',
  ],
])('does not say that all is well %s', (_, sessions, sentence) => {
  expect(sentenceOf(sessions)).toBe(sentence);
});
