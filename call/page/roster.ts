/**
 * Who is in the room, by what is heard of them: everybody says hello every few seconds. Pure: the clock is an argument.
 */
import type { Hello } from './messages.ts';

/** Others, so that nobody can fill the page with people who don't exist. A mesh does not carry more anyway. */
export const OTHERS_MAX = 15;
export const HELLO_EVERY_MS = 5_000;
/** Three hellos were missed. */
export const QUIET_MS = 16_000;

export type Person = Pick<Hello, 'name' | 'audio' | 'video'>;

export type Roster = {
  /** Somebody said something. @returns whether they are in the room: nobody comes in when it is full */
  hear(sessionId: string, nowMs: number): boolean;
  /** What they said about themselves. */
  describe(sessionId: string, person: Person): void;
  has(sessionId: string): boolean;
  /** Undefined until they have said hello. */
  get(sessionId: string): Person | undefined;
  remove(sessionId: string): void;
  /** Those of whom nothing was heard for a while. */
  quiet(nowMs: number): string[];
};

export function createRoster(): Roster {
  const people = new Map<string, { person: Person | undefined; heardAtMs: number }>();
  return {
    hear(sessionId, nowMs) {
      const known = people.get(sessionId);
      if (known) known.heardAtMs = nowMs;
      else if (people.size >= OTHERS_MAX) return false;
      else people.set(sessionId, { person: undefined, heardAtMs: nowMs });
      return true;
    },
    describe(sessionId, { name, audio, video }) {
      const known = people.get(sessionId);
      if (known) known.person = { name, audio, video };
    },
    has: (sessionId) => people.has(sessionId),
    get: (sessionId) => people.get(sessionId)?.person,
    remove: (sessionId) => void people.delete(sessionId),
    quiet: (nowMs) =>
      [...people].filter(([, { heardAtMs }]) => nowMs - heardAtMs > QUIET_MS).map(([sessionId]) => sessionId),
  };
}
