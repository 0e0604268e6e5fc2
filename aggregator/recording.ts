/** Where the steps of the history come from: this process alone, or the whole fleet where it is told of the other shards. */
import type { Feed } from './feed/feed.ts';
import type { History } from './history/history.ts';
import { readCrowd, readCrowds } from './history/reading.ts';
import { createRecorder, type Recorder } from './history/recorder.ts';
import type { Fleet } from './http/overview/fleet.ts';
import type { Pacer } from './http/pacer.ts';
import type { Sessions } from './store/sessions.ts';

type Parts = { readonly feed: Feed; readonly history: History; readonly pacer: Pacer };

export function recordOwn({
  sessions,
  feed,
  history,
  pacer,
  ttlSeconds,
}: Parts & { readonly sessions: Sessions; readonly ttlSeconds: number }): Recorder {
  return createRecorder({
    history,
    positionOf: (region) => ({
      isLive: feed.state(region) === 'up',
      readMs: feed.readMs(region),
      // Who was silent before that is not alive any more.
      completeFromMs: feed.readFromMs(region) + ttlSeconds * 1000,
    }),
    read: (regions) => pacer.run(readCrowds(sessions, regions)),
    readAt(region, timeMs) {
      sessions.advance(region, timeMs);
      return readCrowd(sessions, region);
    },
  });
}

/** A step of which a part is missing stays unknown: half a fleet would look like one that half has left. */
export function recordWhole({ feed, history, pacer, fleet }: Parts & { readonly fleet: Fleet }): Recorder {
  const recorder = createRecorder({
    history,
    positionOf: (region) => ({
      isLive: fleet.isComplete(region),
      readMs: feed.now(),
      completeFromMs: Number.NEGATIVE_INFINITY,
    }),
    read: (regions) => pacer.run(fleet.crowds(regions)),
    readAt: () => {
      throw new Error('what this process replays is a part of the whole');
    },
  });
  // The same for what passes while this process catches up.
  return { ...recorder, passes: () => {} };
}
