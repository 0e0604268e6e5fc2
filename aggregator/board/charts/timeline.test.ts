import { describe, expect, it } from 'vitest';
import type { HistoryOverview } from '../../http/answers.ts';
import { createTimeline, KEPT_MS, unknownSpans } from './timeline.js';

const NONE: HistoryOverview['all'] = {
  rtt_p50: [],
  rtt_p95: [],
  rtt_p99: [],
  audio_packet_loss_p95: [],
  concealment_p95: [],
  expand_p95: [],
  video_freeze_p95: [],
  sessions: [],
  participants: [],
  impaired: [],
  quiet: [],
};

/** Steps of 5 s from a time on, each with that many sessions; nothing else is known. */
function steps(fromMs: number, ...sessions: (number | null)[]): HistoryOverview {
  const columns = Object.keys(NONE).map((column) => [
    column,
    sessions.map((count) => (column === 'sessions' ? count : null)),
  ]);
  const series = Object.fromEntries(columns);
  return {
    step_seconds: 5,
    times_ms: sessions.map((_, i) => fromMs + i * 5_000),
    all: series,
    regions: { apac: series },
  };
}

describe('the timeline', () => {
  it('asks for everything, then for what follows the newest step', () => {
    const timeline = createTimeline();
    expect(timeline.sinceMs()).toBeUndefined();
    timeline.add(steps(10_000, 1, 2));
    timeline.add(steps(20_000, 3));
    timeline.add(steps(0));
    expect(timeline.sinceMs()).toBe(20_000);
    expect(timeline.of('').columns.sessions).toEqual([1, 2, 3]);
    expect(timeline.of('apac').timesMs).toEqual([10_000, 15_000, 20_000]);
    expect(timeline.of('sa').timesMs).toEqual([]);
  });

  it('lets an answer take the place of what is known from its first step on', () => {
    const timeline = createTimeline();
    timeline.add(steps(10_000, 1, null, null, 4, 5));
    // A replay filled in what an outage had left out.
    timeline.add(steps(15_000, 2, 3, 4));
    expect(timeline.of('apac').columns.sessions).toEqual([1, 2, 3, 4]);
    // Another process, whose clock is behind.
    timeline.add(steps(12_000, 7));
    expect(timeline.of('apac').timesMs).toEqual([10_000, 12_000]);
  });

  it('forgets what is older than a quarter of an hour', () => {
    const timeline = createTimeline();
    timeline.add(steps(5_000, ...new Array(180).fill(1)));
    timeline.add(steps(5_000 + KEPT_MS, 2));
    expect(timeline.of('').columns.sessions).toHaveLength(180);
    expect(timeline.of('').timesMs[0]).toBe(10_000);
  });
});

describe('what is not known', () => {
  it.each([
    ['nothing where every step is', 5_000, [1, 1, 0], []],
    ['what lies before the reach', 0, [1, 1], [[0, 5_000]]],
    ['what lies before the first step that is', 5_000, [null, 1, 1], [[5_000, 10_000]]],
    ['what lies between two steps', 5_000, [1, null, null, 1], [[5_000, 20_000]]],
    ['what lies after the last step that is', 5_000, [1, 1, null], [[10_000, 15_000]]],
    ['all of it', 0, [null, null], [[0, 10_000]]],
  ])('is %s', (_, fromMs, sessions, spans) => {
    const timeline = createTimeline();
    timeline.add(steps(5_000, ...sessions));
    expect(unknownSpans(timeline.of(''), fromMs).map((span) => [span.fromMs, span.toMs])).toEqual(spans);
  });
});
