/**
 * Decides when a step is recorded, and of which regions. While a region is live, a step is the first reading at or after its
 * time; while what waits in the stream is read, at the start or by a process that is behind, the state between two messages.
 * What can't be known stays unknown: an outage, a pause of the process, and the time before what was read is complete.
 * Pure: what is known of the feed is passed in.
 */
import { ALL_REGIONS, type History, STEP_MS, STEPS_KEPT } from './history.ts';
import { addCrowd, type Crowd, createCrowd, figuresOf } from './reading.ts';

/** What is known of a region's feed. Times are the broker's, ms since the epoch. */
export type FeedPosition = {
  /** Heard, and not behind. */
  readonly isLive: boolean;
  /** Up to when it was read; NaN while that is not known. */
  readonly readMs: number;
  /** From when on everybody is known who was alive then; NaN while that is not known. */
  readonly completeFromMs: number;
};

/** A region's next message is about to be handled, or there was none left. */
export type Passing = {
  /** No message before this time is still to be handled. */
  readonly untilMs: number;
  /** When the newest message was stored that has been handled, of whichever lane: before this, the state is of later. */
  readonly handledMs: number;
};

export type RecorderOptions = {
  readonly history: History;
  readonly positionOf: (region: string) => FeedPosition;
  /** Reads the regions as they are, while other work goes on. */
  readonly read: (regions: readonly string[]) => Promise<ReadonlyMap<string, Crowd>>;
  /** Brings the region to that time, at which nobody else may be in it any more, and reads it in one go. */
  readonly readAt: (region: string, timeMs: number) => Crowd;
};

export type Recorder = {
  /** To be called a few times a second. @returns when the steps that are due of live regions have been recorded */
  tick(): Promise<void>;
  /** Records the steps that a region which is not live passes. */
  passes(region: string, passing: Passing): void;
  /** The region's feed is down: what it misses is not known, even when it is read afterwards. */
  lost(region: string): void;
};

type Progress = {
  /** The region's newest step. */
  lastMs: number;
  /** Whether nothing was missed since then. */
  isContinuous: boolean;
};

/** For how many steps the regions are kept that make up all of them, when they come one by one. */
const GATHERED = 32;
const GATHERED_LIVE = 3;

export function createRecorder({ history, positionOf, read, readAt }: RecorderOptions): Recorder {
  const progresses = new Map(history.regions.map((region): [string, Progress] => [region, nothingYet()]));
  const gathered = new Map<number, Crowd>();
  let isReading = false;

  function progressOf(region: string): Progress {
    const progress = progresses.get(region);
    if (!progress) throw new RangeError(`no such region: ${region}`);
    return progress;
  }

  function write(region: string, stepMs: number, crowd: Crowd): void {
    Object.assign(progressOf(region), { lastMs: stepMs, isContinuous: true });
    history.write(region, stepMs, figuresOf(crowd));
    // Of an older one, some of the regions have been forgotten.
    if (stepMs <= history.newestMs - GATHERED * STEP_MS) return;
    const all = gathered.get(stepMs) ?? createCrowd();
    gathered.set(stepMs, all);
    addCrowd(all, crowd);
    history.write(ALL_REGIONS, stepMs, figuresOf(all));
  }

  function forgetGathered(): void {
    const isLive = history.regions.every((region) => positionOf(region).isLive);
    const oldestMs = history.newestMs - (isLive ? GATHERED_LIVE : GATHERED) * STEP_MS;
    for (const stepMs of gathered.keys()) if (stepMs <= oldestMs) gathered.delete(stepMs);
  }

  /** The broker's clock was set back: what was recorded of a time that has yet to come was of another. */
  function rewindTo(timeMs: number): void {
    history.forgetAfter(timeMs);
    gathered.clear();
    for (const progress of progresses.values()) Object.assign(progress, nothingYet());
  }

  /** The region's step that is due, if one is. */
  function dueStep(region: string): number | undefined {
    const { isLive, readMs, completeFromMs } = positionOf(region);
    if (!isLive || Number.isNaN(readMs)) return undefined;
    const progress = progressOf(region);
    const stepMs = stepBefore(readMs);
    if (stepMs < progress.lastMs - STEP_MS) rewindTo(readMs);
    if (!progress.isContinuous) resume(progress, stepMs);
    if (stepMs <= progress.lastMs) return undefined;
    return stepMs >= completeFromMs ? stepMs : undefined;
  }

  return {
    async tick() {
      if (isReading) return;
      const due = new Map<string, number>();
      for (const region of history.regions) {
        const stepMs = dueStep(region);
        if (stepMs !== undefined) due.set(region, stepMs);
      }
      if (due.size === 0) return;
      isReading = true;
      try {
        for (const [region, crowd] of await read([...due.keys()])) {
          const stepMs = due.get(region) as number;
          // Meanwhile it may have fallen behind, and passed the step.
          if (stepMs > progressOf(region).lastMs) write(region, stepMs, crowd);
        }
      } finally {
        isReading = false;
      }
      forgetGathered();
    },
    passes(region, { untilMs, handledMs }) {
      const progress = progressOf(region);
      if (untilMs < progress.lastMs - STEP_MS) rewindTo(untilMs);
      if (!progress.isContinuous) {
        if (Number.isNaN(untilMs)) return;
        resume(progress, stepBefore(untilMs));
      }
      let stepMs = progress.lastMs + STEP_MS;
      if (!(stepMs <= untilMs)) return;
      const { completeFromMs } = positionOf(region);
      if (Number.isNaN(completeFromMs)) return;
      const earliestMs = Math.max(completeFromMs, handledMs - STEP_MS, untilMs - STEPS_KEPT * STEP_MS);
      stepMs = Math.max(stepMs, stepBefore(earliestMs + STEP_MS - 1));
      for (; stepMs <= untilMs; stepMs += STEP_MS) write(region, stepMs, readAt(region, stepMs));
    },
    lost(region) {
      progressOf(region).isContinuous = false;
    },
  };
}

/** What was before is not known: the next step that is recorded is the one after this. */
function resume(progress: Progress, stepMs: number): void {
  progress.lastMs = Math.max(progress.lastMs, stepMs);
  progress.isContinuous = true;
}

function nothingYet(): Progress {
  return { lastMs: Number.NEGATIVE_INFINITY, isContinuous: false };
}

/** The newest step at that time or before. */
function stepBefore(timeMs: number): number {
  return Math.floor(timeMs / STEP_MS) * STEP_MS;
}
