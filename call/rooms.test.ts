import { describe, expect, it } from 'vitest';
import { isRoomName, roomSubject, sessionSubject, speakerOf } from './rooms.ts';

describe('the name of a room', () => {
  it.each(['a', 'Weekly_sync-3', 'x'.repeat(64)])('may be %s', (name) => expect(isRoomName(name)).toBe(true));

  it.each(['', '*', '>', 'a.b', 'a b', 'x'.repeat(65), '<b>', 'größe', 'a\n', undefined, 7])('may not be %j', (name) =>
    expect(isRoomName(name)).toBe(false),
  );
});

describe('subjects', () => {
  it('are those of a room, the last token the speaker', () => {
    expect(roomSubject('weekly')).toBe('room.weekly.*');
    expect(speakerOf(sessionSubject('weekly', 'ana-1'))).toBe('ana-1');
  });

  it.each(['room.weekly', 'room.weekly.ana-1.more', 'health.weekly.ana-1', 'room.weekly.', ''])(
    'that are not of a session have no speaker: %j',
    (subject) => expect(speakerOf(subject)).toBeUndefined(),
  );
});
