import { describe, expect, it } from 'vitest';
import { createRoster, OTHERS_MAX, QUIET_MS } from './roster.ts';

const ANA = { name: 'Ana', audio: true, video: false };

describe('a roster', () => {
  it('knows who was heard, and what they said about themselves', () => {
    const roster = createRoster();
    expect(roster.has('ana')).toBe(false);
    expect(roster.hear('ana', 0)).toBe(true);
    expect([roster.has('ana'), roster.get('ana')]).toEqual([true, undefined]);
    roster.describe('ana', { ...ANA, type: 'hello' } as never);
    expect(roster.get('ana')).toEqual(ANA);
    roster.describe('nobody', ANA);
    expect(roster.get('nobody')).toBeUndefined();
  });

  it('names those of whom nothing was heard for a while', () => {
    const roster = createRoster();
    roster.hear('ana', 0);
    roster.hear('bo', 1);
    expect(roster.quiet(QUIET_MS)).toEqual([]);
    expect(roster.quiet(QUIET_MS + 1)).toEqual(['ana']);
    roster.hear('ana', QUIET_MS + 1);
    expect(roster.quiet(QUIET_MS + 2)).toEqual(['bo']);
    roster.remove('bo');
    expect(roster.quiet(QUIET_MS + 2)).toEqual([]);
  });

  it('lets nobody in when it is full, and goes on hearing those inside', () => {
    const roster = createRoster();
    for (let i = 0; i < OTHERS_MAX; i++) expect(roster.hear(`s-${i}`, 0)).toBe(true);
    expect(roster.hear('one-more', 0)).toBe(false);
    expect(roster.has('one-more')).toBe(false);
    expect(roster.hear('s-0', 1)).toBe(true);
    roster.remove('s-0');
    expect(roster.hear('one-more', 2)).toBe(true);
  });
});
