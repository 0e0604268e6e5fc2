import { describe, expect, it } from 'vitest';
import { createRoster } from './roster.ts';

describe('the roster', () => {
  it('counts a participant once in a region, whatever the number of sessions', () => {
    const roster = createRoster<object>(['apac', 'eu-west']);
    const meeting = roster.openMeeting('m-1');
    const seen = { region: 'apac', participantId: 'p-1', born: 0 };
    const presence = roster.enter(meeting, seen);
    expect(roster.enter(meeting, seen)).toBe(presence);
    roster.enter(meeting, { ...seen, region: 'eu-west' });
    expect(roster.headcount('apac')).toEqual({ meetings: 1, participants: 1 });
    expect(roster.headcount('eu-west')).toEqual({ meetings: 1, participants: 1 });
    expect(roster.leave(presence, 'p-1')).toBe(false);
    expect(roster.headcount('apac')).toEqual({ meetings: 1, participants: 1 });
    expect(roster.leave(presence, 'p-1')).toBe(true);
    expect(roster.headcount('apac')).toEqual({ meetings: 0, participants: 0 });
    expect(meeting.presences.map(({ region }) => region)).toEqual(['eu-west']);
  });

  it('forgets a meeting only when no session is in it', () => {
    const roster = createRoster<object>(['apac']);
    const meeting = roster.openMeeting('m-1');
    const session = {};
    meeting.sessions.set('s-1', session);
    roster.closeMeeting(meeting);
    expect(roster.session('m-1', 's-1')).toBe(session);
    meeting.sessions.delete('s-1');
    roster.closeMeeting(meeting);
    expect([...roster.meetings()]).toEqual([]);
  });

  it('knows no other regions than its own', () => {
    expect(() => createRoster(['apac']).headcount('mars')).toThrow('no such region: mars');
  });
});
