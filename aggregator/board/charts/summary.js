/** The charts in words and as a table, for who can't see them. Pure. */
import { formatClock, UNKNOWN } from '../page/format.js';

/** @typedef {import('./panels.js').Panel} Panel */
/** @typedef {import('./panels.js').Line} Line */
/** @typedef {import('./timeline.js').Steps} Steps */

/** Steps of 5 s in a minute: a table of each would have 180 rows. */
const MINUTE_MS = 60_000;

/** @param {Panel} panel @param {Steps} steps @param {string} where @returns {string} `RTT of clients, apac, last 15 minutes: p95 now 70 ms, between 52 and 312 ms` */
export function describePanel(panel, steps, where) {
  const lines = panel.lines.map((line) => describeLine(panel, line, steps));
  return `${panel.title}, ${where}, last 15 minutes: ${lines.join('; ')}`;
}

/** @param {Panel} panel @param {Line} line @param {Steps} steps */
function describeLine({ scale, unit, format }, { column, name }, { columns }) {
  const values = columns[column] ?? [];
  const known = values.flatMap((value) => value ?? []);
  if (known.length === 0) return `${name} not known`;
  const text = (/** @type {number} */ value) => [format(value * scale), unit].filter(Boolean).join(' ');
  const newest = values.at(-1);
  const now = newest === null || newest === undefined ? 'not known now' : `now ${text(newest)}`;
  const [least, most] = [Math.min(...known), Math.max(...known)];
  return least === most ? `${name} ${now}` : `${name} ${now}, between ${text(least)} and ${text(most)}`;
}

/**
 * The worst value of each minute, the newest minute first: `[time, ...figures]`.
 * @param {readonly Panel[]} panels
 * @param {Steps} steps
 * @returns {{ readonly head: readonly string[], readonly rows: readonly (readonly string[])[] }}
 */
export function tableOf(panels, { timesMs, columns }) {
  const lines = panels.flatMap((panel) => panel.lines.map((line) => ({ panel, line })));
  const head = ['minute', ...lines.map(({ panel: { title, unit }, line }) => headOf(title, line.name, unit))];
  const minutes = [...new Set(timesMs.map((atMs) => Math.floor(atMs / MINUTE_MS)))].reverse();
  const rows = minutes.map((minute) => {
    const steps = timesMs.flatMap((atMs, i) => (Math.floor(atMs / MINUTE_MS) === minute ? [i] : []));
    const figures = lines.map(({ panel, line }) => {
      const known = steps.flatMap((i) => columns[line.column][i] ?? []);
      return known.length === 0 ? UNKNOWN : panel.format(Math.max(...known) * panel.scale);
    });
    return [formatClock(minute * MINUTE_MS).slice(0, 5), ...figures];
  });
  return { head, rows };
}

/** @param {string} title @param {string} name @param {string} unit */
function headOf(title, name, unit) {
  const what = title.toLowerCase() === name ? title : `${title} ${name}`;
  return unit && unit !== 'sessions' ? `${what}, ${unit}` : what;
}
