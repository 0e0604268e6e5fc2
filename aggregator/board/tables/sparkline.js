/** The last quarter of an hour of one figure as a small line: gaps where it was not known, and its warning dotted. */

import { KEPT_MS } from '../charts/timeline.js';
import { setAttribute } from '../page/elements.js';
import { formatSeconds } from '../page/format.js';

/** @typedef {{ readonly atMs: number, readonly value: number | undefined }} Point seconds of RTT; undefined: not known then */

/**
 * Of all regions' lines: the time at their end, the value (in seconds) at their top, and where the warning is.
 * @typedef {{ readonly nowMs: number, readonly top: number, readonly warn: number }} Scale
 */

const WIDTH = 120;
const HEIGHT = 24;
/** Points further apart than this have a step between them that nobody knows. */
const GAP_MS = 12_000;

export function createSparkline() {
  const svg = create('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: 'sparkline',
    role: 'img',
    preserveAspectRatio: 'none',
  });
  const threshold = create('path', { class: 'threshold' });
  const line = create('path', { class: 'line' });
  svg.append(threshold, line);
  return {
    svg,
    /** @param {readonly Point[]} points @param {Scale} scale */
    set(points, { nowMs, top, warn }) {
      setAttribute(threshold, 'd', `M0 ${yOf(warn, top)}H${WIDTH}`);
      setAttribute(line, 'd', pathOf(points, nowMs, top));
      setAttribute(svg, 'aria-label', describe(points));
    },
  };
}

/**
 * @param {readonly Point[]} points
 * @param {number} nowMs
 * @param {number} top
 * @returns {string} an SVG path; a point on its own is a dot
 */
export function pathOf(points, nowMs, top) {
  let path = '';
  let previousMs = -Infinity;
  for (const { atMs, value } of points) {
    if (value === undefined) {
      previousMs = -Infinity;
      continue;
    }
    const x = (WIDTH * (1 - (nowMs - atMs) / KEPT_MS)).toFixed(1);
    const y = yOf(value, top);
    path += atMs - previousMs > GAP_MS ? `M${x} ${y}h0.1` : `L${x} ${y}`;
    previousMs = atMs;
  }
  return path;
}

/** @param {number} value @param {number} top */
function yOf(value, top) {
  // A unit of room at both ends, so that the stroke is never cut.
  return (HEIGHT - 1 - (HEIGHT - 2) * Math.min(1, value / top)).toFixed(1);
}

/** @param {readonly Point[]} points */
function describe(points) {
  const values = points.flatMap(({ value }) => value ?? []);
  if (values.length === 0) return 'RTT p95, last 15 minutes: not known';
  const range = `${formatSeconds(Math.min(...values))} to ${formatSeconds(Math.max(...values))}`;
  return `RTT p95, last 15 minutes: ${range}`;
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {{ readonly [attribute: string]: string }} attributes
 * @returns {SVGElementTagNameMap[Tag]}
 */
function create(tag, attributes) {
  const created = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value);
  return created;
}
