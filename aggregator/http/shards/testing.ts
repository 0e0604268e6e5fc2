/** What tests of several shards need: processes that have a store each, and read each other's texts. */
import { STREAM_READING } from '../../../test/support/metrics/expose.ts';
import type { Sessions } from '../../store/sessions.ts';
import type { Part } from '../overview/part.ts';
import { type PartSource, readPart } from '../overview/read-part.ts';
import { type PartResult, readPartText, writePart } from './part-text.ts';

export const TOPOLOGY = '0123456789abcdef';

/** @param index, count which shard it is, of how many */
export function sourceOf(sessions: Sessions, index = 0, count = 1): PartSource {
  return {
    sessions,
    version: '1.2.3',
    startedAtMs: 1_000 + index,
    shard: { index, count },
    stream: () => STREAM_READING,
  };
}

/** Takes all slices at once. */
export function finish<T>(slices: Generator<unknown, T, void>): T {
  for (;;) {
    const slice = slices.next();
    if (slice.done) return slice.value;
  }
}

export function partOf(sessions: Sessions, index = 0, count = 1): Part {
  return finish(readPart(sourceOf(sessions, index, count)));
}

export function textOf(part: Part): string {
  return [...writePart(part, TOPOLOGY)].join('');
}

export function read(text: string): PartResult {
  return finish(readPartText(text.split('\n')));
}

/** What arrives of a part that was sent. */
export function sent(part: Part): Part {
  const result = read(textOf(part));
  if (!result.ok) throw new Error(result.why);
  return result.part;
}
