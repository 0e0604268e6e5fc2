import { describe, expect, it } from 'vitest';
import { OBJECTIVES } from '../../../shared/objectives.ts';
import { NOW } from '../testing.ts';
import { shortId } from './matrix.js';
import { readMeeting, readStream, streamText } from './meeting.js';
import { ended, LOSSY, living, meetingOf, peer } from './testing.ts';

describe('a meeting', () => {
  it('has who lives before who left, each once, and everybody whom somebody receives', () => {
    const sessions = [living('b', [peer('stranger')]), living('a', [peer('b')], { quiet: true })];
    const gone = [
      ended('c', NOW),
      ended('c', NOW - 60_000, 'stale'),
      ended('b', NOW - 90_000),
      ended('d', NOW, 'stale'),
    ];
    const { people, senders } = readMeeting(sessions, gone, OBJECTIVES);
    expect(people.map(({ id, state }) => `${id} ${state}`)).toEqual(['a quiet', 'b live', 'c left', 'd vanished']);
    expect(people[2]?.atMs).toBe(NOW);
    expect(senders).toEqual(['a', 'b', 'c', 'd', 'stranger']);
  });

  it('takes a hundred people', () => {
    const ids = Array.from({ length: 100 }, (_, i) => `s-${i}`);
    const { people, senders } = readMeeting(
      meetingOf(ids, () => undefined),
      [],
      OBJECTIVES,
    );
    expect([people.length, senders.length]).toEqual([100, 100]);
  });
});

describe('what somebody receives', () => {
  it.each([
    ['how it is, when it is well', {}, 'loss 0.4 %, conceal. 0.3 %'],
    [
      'what is past its objective, and whose side that is',
      { ...LOSSY, side: 'publisher' },
      'loss 20 %, conceal. 18 %; sender’s uplink',
    ],
    ['a warning alone', { audio_packet_loss_ratio: 0.04 }, 'loss 4.0 %'],
    ['why nothing is heard', { silence: 'no_packets' }, 'silent: no packets arrive'],
  ] as const)('says %s', (_, figures, text) => {
    expect(streamText(readStream(peer('a', figures), OBJECTIVES))).toBe(text);
  });

  it('is not known without figures', () => {
    expect(streamText(readStream({ peer_id: 'a' }, OBJECTIVES))).toBe('not known');
  });
});

describe('the head of a column', () => {
  it.each([
    ['demo-02-host', ['demo-02-host', 'demo-02-007'], '…host'],
    ['demo-02-011', ['demo-02-011', 'demo-02-012'], '…011'],
    ['anna', ['anna', 'ben'], 'anna'],
    ['alone-1', ['alone-1'], 'alone-1'],
    ['s-1', ['s-1', 's-1'], '…1'],
  ])('of %s among %j is %s', (id, ids, short) => {
    expect(shortId(id, ids)).toBe(short);
  });
});
