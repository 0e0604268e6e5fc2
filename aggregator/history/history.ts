/**
 * The last quarter of an hour, in steps of 5 s: a few figures of each region and of all of them together. Memory is
 * bounded: 8 kB a region. Pure: steps are times of the broker, which the recorder passes in.
 */

export const STEP_MS = 5_000;
/** A quarter of an hour. */
export const STEPS_KEPT = 180;

/** What is recorded of a region, in the units of /metrics: seconds, ratios, operations per second, counts. */
export const HISTORY_COLUMNS = [
  'rtt_p50',
  'rtt_p95',
  'rtt_p99',
  'audio_packet_loss_p95',
  'concealment_p95',
  'expand_p95',
  'video_freeze_p95',
  'sessions',
  'participants',
  'impaired',
  'quiet',
] as const;
export type HistoryColumn = (typeof HISTORY_COLUMNS)[number];

/** The figures of one step; NaN where one is not known. */
export type StepFigures = { readonly [Column in HistoryColumn]: number };

/** Columns of equal length, the oldest step first; null where a figure was not known. */
export type HistorySeries = { readonly [Column in HistoryColumn]: readonly (number | null)[] };

/** A copy: it stays the same while steps are recorded. */
export type HistoryReading = {
  /** The broker's time of each step, ms since the epoch, ascending without gaps. */
  readonly timesMs: readonly number[];
  /** @param region one of the options, or {@link ALL_REGIONS} */
  readonly of: (region: string) => HistorySeries;
};

export type History = {
  readonly regions: readonly string[];
  /** When the newest step is; NaN before the first. */
  readonly newestMs: number;
  /**
   * Writes a step of a region, or of all of them, over what was known of it. A step that is too old to be kept is ignored.
   * @param stepMs a multiple of {@link STEP_MS}
   */
  write(region: string, stepMs: number, figures: StepFigures): void;
  /** Forgets the steps after this time: the broker's clock was set back. */
  forgetAfter(timeMs: number): void;
  /**
   * What is new for somebody who knows the steps up to `sinceMs`: those after it, and from the oldest one on that was
   * written again since then, as replays do. Everything when there is no such step, or none is given.
   */
  read(sinceMs?: number): HistoryReading;
};

/** In the place of a region: all of them together. No region has this name. */
export const ALL_REGIONS = '*';

/** Before the first reading. */
const NEVER = -1;
const COLUMNS = HISTORY_COLUMNS.length;

export function createHistory(regions: readonly string[]): History {
  const rows = new Map([ALL_REGIONS, ...regions].map((name) => [name, emptyRows()]));
  /** Of each slot: how many readings there had been when its step was made, and when it was changed last. */
  const madeAfter = new Float64Array(STEPS_KEPT);
  const changedAfter = new Float64Array(STEPS_KEPT);
  let readings = 0;
  /** Numbers of steps since the epoch; there are none while the oldest is after the newest. */
  let oldest = 0;
  let newest = -1;
  /** Steps that were forgotten: who knows one of them may know another one of the same time. */
  let forgottenFrom = Number.POSITIVE_INFINITY;
  let forgottenTo = Number.NEGATIVE_INFINITY;

  function clear(step: number): void {
    const slot = step % STEPS_KEPT;
    for (const row of rows.values()) row.fill(Number.NaN, slot * COLUMNS, (slot + 1) * COLUMNS);
    const isRemade = step >= forgottenFrom && step <= forgottenTo;
    madeAfter[slot] = isRemade ? NEVER : readings;
    changedAfter[slot] = readings;
  }

  /** Makes room for the step, and for those between it and what there is. */
  function reach(step: number): void {
    if (newest < oldest || step - newest >= STEPS_KEPT) {
      oldest = step;
      newest = step;
      clear(step);
      return;
    }
    while (newest < step) clear(++newest);
    while (oldest > step) clear(--oldest);
    oldest = Math.max(oldest, newest - STEPS_KEPT + 1);
  }

  /** The first step that is new for somebody who knows those up to it. */
  function firstNew(known: number): number {
    if (!(known >= oldest && known <= newest)) return oldest;
    // Who knows the step knows all that was written up to the reading after it was made.
    const seen = madeAfter[known % STEPS_KEPT] as number;
    for (let step = oldest; step <= known; step++) if ((changedAfter[step % STEPS_KEPT] as number) > seen) return step;
    return known + 1;
  }

  function rowsOf(name: string): Float32Array {
    const found = rows.get(name);
    if (!found) throw new RangeError(`no such region: ${name}`);
    return found;
  }

  return {
    regions,
    get newestMs() {
      return newest < oldest ? Number.NaN : newest * STEP_MS;
    },
    write(region, stepMs, figures) {
      const row = rowsOf(region);
      const step = Math.round(stepMs / STEP_MS);
      if (step <= newest - STEPS_KEPT) return;
      reach(step);
      const slot = step % STEPS_KEPT;
      changedAfter[slot] = readings;
      HISTORY_COLUMNS.forEach((column, i) => {
        row[slot * COLUMNS + i] = figures[column];
      });
    },
    forgetAfter(timeMs) {
      const last = Math.floor(timeMs / STEP_MS);
      if (newest <= last) return;
      forgottenFrom = Math.min(forgottenFrom, Math.max(oldest, last + 1));
      forgottenTo = Math.max(forgottenTo, newest);
      newest = last;
    },
    read(sinceMs = Number.NaN) {
      readings++;
      const first = firstNew(Math.floor(sinceMs / STEP_MS));
      const timesMs = Array.from({ length: Math.max(0, newest - first + 1) }, (_, i) => (first + i) * STEP_MS);
      const copies = new Map([...rows].map(([name, row]) => [name, timesMs.length === 0 ? row : row.slice()]));
      return { timesMs, of: (name) => seriesIn(copies.get(name) ?? rowsOf(name), first, timesMs.length) };
    },
  };
}

function emptyRows(): Float32Array {
  return new Float32Array(STEPS_KEPT * COLUMNS).fill(Number.NaN);
}

function seriesIn(row: Float32Array, first: number, count: number): HistorySeries {
  const columns = HISTORY_COLUMNS.map((column, i) => {
    const values = Array.from({ length: count }, (_, step) => {
      const value = row[((first + step) % STEPS_KEPT) * COLUMNS + i] as number;
      // What a float of 32 bits adds behind the sixth digit is nothing that was measured.
      return Number.isNaN(value) ? null : Math.round(value * 1e6) / 1e6;
    });
    return [column, values] as const;
  });
  return Object.fromEntries(columns) as { [Column in HistoryColumn]: (number | null)[] };
}
