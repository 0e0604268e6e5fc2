/**
 * Decides when a step is recorded, and of which regions: those that are heard and were read up to it. Pure: what is known
 * of the feed is passed in.
 */
import { ALL_REGIONS, type History, STEP_MS } from './history.ts';
import { addCrowd, type Crowd, createCrowd, figuresOf } from './reading.ts';

/** What is known of a region's feed. */
export type FeedPosition = {
  /** Heard, and not behind. */
  readonly isLive: boolean;
  /** Up to when it was read, by the broker; NaN while that is not known. */
  readonly readMs: number;
};

export type RecorderOptions = {
  readonly history: History;
  readonly positionOf: (region: string) => FeedPosition;
  /** Reads the regions as they are, while other work goes on. */
  readonly read: (regions: readonly string[]) => Promise<ReadonlyMap<string, Crowd>>;
};

export type Recorder = {
  /**
   * To be called a few times a second. A step that was missed, because nobody was heard or the process did not run, stays
   * unknown.
   * @param nowMs by the broker; NaN while that is not known
   * @returns when what is due has been recorded
   */
  tick(nowMs: number): Promise<void>;
};

export function createRecorder({ history, positionOf, read }: RecorderOptions): Recorder {
  /** The newest step of each region. */
  const recorded = new Map(history.regions.map((region) => [region, Number.NEGATIVE_INFINITY]));
  /** All that are known of a step, by step; the newest last. */
  const together = new Map<number, Crowd>();
  let isReading = false;

  function write(region: string, stepMs: number, crowd: Crowd): void {
    recorded.set(region, stepMs);
    history.write(region, stepMs, figuresOf(crowd));
    const all = together.get(stepMs) ?? createCrowd();
    together.set(stepMs, all);
    addCrowd(all, crowd);
    history.write(ALL_REGIONS, stepMs, figuresOf(all));
    for (const known of together.keys()) if (known < stepMs - STEP_MS) together.delete(known);
  }

  return {
    async tick(nowMs) {
      if (isReading || Number.isNaN(nowMs)) return;
      const stepMs = Math.floor(nowMs / STEP_MS) * STEP_MS;
      const due = history.regions.filter((region) => {
        const { isLive, readMs } = positionOf(region);
        return isLive && readMs >= stepMs && (recorded.get(region) as number) < stepMs;
      });
      if (due.length === 0) return;
      isReading = true;
      try {
        for (const [region, crowd] of await read(due)) write(region, stepMs, crowd);
      } finally {
        isReading = false;
      }
    },
  };
}
