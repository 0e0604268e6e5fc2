/**
 * The last 15 minutes as the aggregator keeps them: a poll brings the steps that are new or were written again, and what has
 * become older than that is forgotten. Pure.
 */

/** @typedef {import('../../http/answers.ts').HistoryOverview} HistoryOverview */
/** @typedef {HistoryOverview['all']} Series */
/** @typedef {keyof Series} Column */

/**
 * Of one region or of all: columns beside the times, `null` where a figure was not known.
 * @typedef {{ readonly timesMs: readonly number[], readonly columns: { readonly [C in Column]: readonly (number | null)[] } }} Steps
 */

/** @typedef {{ timesMs: number[], columns: { [C in Column]: (number | null)[] } }} Kept */

/**
 * `sinceMs`: the newest step, so that a poll asks for what follows it; undefined: everything is wanted. `of`: of a region, or
 * with an empty name of all of them; without steps while nothing is known.
 * @typedef {{ sinceMs(): number | undefined, add(history: HistoryOverview): void, of(region: string): Steps }} Timeline
 */

export const KEPT_MS = 15 * 60_000;
/** Of all regions together: no region has an empty name. */
const ALL = '';

/** @type {readonly Column[]} */
const COLUMNS = Object.freeze([
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
]);

/** @returns {Timeline} */
export function createTimeline() {
  /** @type {Map<string, Kept>} */
  const kept = new Map();
  return {
    sinceMs: () => kept.get(ALL)?.timesMs.at(-1),
    add({ times_ms: timesMs, all, regions }) {
      const [firstMs] = timesMs;
      if (firstMs === undefined) return;
      const oldestMs = (timesMs.at(-1) ?? firstMs) - KEPT_MS;
      for (const [name, columns] of [[ALL, all], ...Object.entries(regions)]) {
        const earlier = kept.get(/** @type {string} */ (name)) ?? { timesMs: [], columns: emptyColumns() };
        // What the answer has takes the place of what is known from there on: a replay fills in what an outage left out,
        // and another process may have had other steps.
        const from = earlier.timesMs.findIndex((atMs) => atMs > oldestMs);
        const to = earlier.timesMs.findIndex((atMs) => atMs >= firstMs);
        const part = { from: from === -1 ? earlier.timesMs.length : from, to: to === -1 ? earlier.timesMs.length : to };
        kept.set(
          /** @type {string} */ (name),
          joined(earlier, part, { timesMs, columns: /** @type {Series} */ (columns) }),
        );
      }
    },
    of: (region) => kept.get(region) ?? { timesMs: [], columns: emptyColumns() },
  };
}

/** @param {Kept} earlier @param {{ readonly from: number, readonly to: number }} part of it that stays @param {Steps} later @returns {Kept} */
function joined(earlier, { from, to }, later) {
  const columns = emptyColumns();
  for (const column of COLUMNS) {
    columns[column] = [...earlier.columns[column].slice(from, to), ...later.columns[column]];
  }
  return { timesMs: [...earlier.timesMs.slice(from, to), ...later.timesMs], columns };
}

/** @returns {Kept['columns']} */
function emptyColumns() {
  const entries = COLUMNS.map((column) => [column, []]);
  return Object.fromEntries(entries);
}

/**
 * When nothing was known: before the reach of what the aggregator has read, or while the feed was down.
 * @param {Steps} steps @param {number} fromMs the start of the chart
 * @returns {{ readonly fromMs: number, readonly toMs: number }[]}
 */
export function unknownSpans({ timesMs, columns }, fromMs) {
  const spans = [];
  let sinceMs = fromMs;
  let isKnown = false;
  for (const [i, atMs] of timesMs.entries()) {
    const isKnownNow = columns.sessions[i] !== null;
    if (isKnownNow && !isKnown && atMs > sinceMs) spans.push({ fromMs: sinceMs, toMs: atMs });
    if (!isKnownNow && isKnown) sinceMs = timesMs[i - 1] ?? atMs;
    isKnown = isKnownNow;
  }
  const endMs = timesMs.at(-1);
  if (!isKnown && endMs !== undefined && endMs > sinceMs) spans.push({ fromMs: sinceMs, toMs: endMs });
  return spans;
}
