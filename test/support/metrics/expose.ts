/** The exposition of a store, for tests and benchmarks that have no process around it. */
import type { StreamReading } from '../../../aggregator/feed/stream/stream-watch.ts';
import { createExposition, type ExposeOptions, type Exposition } from '../../../aggregator/metrics/exposition.ts';
import type { Sessions } from '../../../aggregator/store/sessions.ts';

/** Nobody publishes what nobody reads, and the stream is long enough and set up as it should be. */
export const STREAM_READING: StreamReading = {
  reachSeconds: 60,
  unowned: { unknown_region: 0, unknown_service_type: 0, unknown_lane: 0, malformed: 0 },
  problems: {
    subjects: 0,
    max_age: 0,
    retention: 0,
    storage: 0,
    discard: 0,
    no_ack: 0,
    sealed: 0,
    duplicate_window: 0,
    max_msg_size: 0,
  },
};

export function expositionOf(sessions: Sessions, seriesBound = 0): Exposition {
  return createExposition({
    sessions,
    stream: () => STREAM_READING,
    shard: { index: 0, count: 1 },
    lanes: 4,
    version: '1.2.3',
    seriesBound,
  });
}

/** Every edgepulse family of the groups, in slices. */
export function expose(sessions: Sessions, options: ExposeOptions): Generator<string, void, void> {
  return expositionOf(sessions).text(options);
}
