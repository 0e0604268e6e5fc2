/** One chart: its lines with gaps where nothing was known, the objective drawn in, and a cursor that all charts share. */
import { element, setAttribute, setText } from '../page/elements.js';
import { UNKNOWN } from '../page/format.js';
import { drawHoles, drawObjective } from './drawing.js';
import { describePanel } from './summary.js';
import { KEPT_MS, unknownSpans } from './timeline.js';
import { uPlot } from './uplot.js';

/** @typedef {import('uplot')} Plot */
/** @typedef {import('uplot').Options} PlotOptions */
/** @typedef {import('./palette.js').Palette} Palette */
/** @typedef {import('./panels.js').Panel} Panel */
/** @typedef {import('./panels.js').Line} Line */
/** @typedef {import('./timeline.js').Steps} Steps */
/** @typedef {import('../verdict/levels.js').Objectives} Objectives */
/** @typedef {{ readonly fromMs: number, readonly toMs: number }} Span */

/**
 * `palette` and `objectives` are functions, for both change while the chart stands. `onCursor` is told at which step the
 * cursor is: undefined when it left.
 * @typedef {{
 *   readonly palette: () => Palette,
 *   readonly objectives: () => Objectives | undefined,
 *   readonly onCursor: (atMs: number | undefined) => void,
 * }} ChartContext
 */

const HEIGHT = 104;
const LARGE_HEIGHT = 280;
/** How far over its objective `bad` a scale reaches at least, so that a line low down is a good one. */
const LEAST_TOP = 1.2;

/** @param {Panel} panel @param {ChartContext} context */
export function createChart(panel, context) {
  const holder = element('div', { class: 'plot', role: 'img' });
  const values = panel.lines.map(() => element('b', {}, UNKNOWN));
  const keys = panel.lines.map(({ name, style }, i) => {
    const key = element('span', { class: 'key' }, element('i', { class: `swatch ${style}` }), name, ' ');
    key.append(/** @type {Node} */ (values[i]));
    return key;
  });
  const legend = element('p', { class: 'keys', 'aria-hidden': 'true' }, ...keys);
  /** @type {Steps} */
  let steps = { timesMs: [], columns: /** @type {Steps['columns']} */ ({}) };
  /** @type {readonly Span[]} */
  let holes = [];
  let isLarge = false;

  const plot = new uPlot(
    optionsOf(panel, { ...context, holes: () => holes, onCursor: moved }),
    emptyData(panel),
    holder,
  );
  const resize = () => {
    const width = Math.floor(holder.clientWidth);
    const height = isLarge ? LARGE_HEIGHT : HEIGHT;
    if (width > 0 && (width !== plot.width || height !== plot.height)) plot.setSize({ width, height });
  };
  new ResizeObserver(resize).observe(holder);

  /** @param {number | null | undefined} index */
  function moved(index) {
    showValues(index ?? undefined);
    context.onCursor(index === null || index === undefined ? undefined : steps.timesMs[index]);
  }

  /** @param {number} [index] the newest without one */
  function showValues(index = steps.timesMs.length - 1) {
    for (const [i, { column }] of panel.lines.entries()) {
      const value = steps.columns[column]?.[index] ?? undefined;
      setText(/** @type {Element} */ (values[i]), value === undefined ? UNKNOWN : panel.format(value * panel.scale));
    }
  }

  return {
    holder,
    legend,
    /** @param {Steps} newest @param {string} where whose they are, in words */
    set(newest, where) {
      steps = newest;
      const endMs = newest.timesMs.at(-1) ?? 0;
      holes = unknownSpans(newest, endMs - KEPT_MS);
      plot.setData(dataOf(panel, newest));
      showValues(plot.cursor.idx ?? undefined);
      setAttribute(holder, 'aria-label', describePanel(panel, newest, where));
    },
    /** @param {boolean} large */
    setLarge(large) {
      isLarge = large;
      resize();
    },
    redraw: () => plot.redraw(false, true),
  };
}

/** @param {Panel} panel @returns {import('uplot').AlignedData} */
function emptyData(panel) {
  return [[], ...panel.lines.map(() => [])];
}

/** @param {Panel} panel @param {Steps} steps @returns {import('uplot').AlignedData} */
function dataOf({ lines, scale }, { timesMs, columns }) {
  const scaled = lines.map(({ column }) => columns[column].map((value) => (value === null ? null : value * scale)));
  return [timesMs.map((atMs) => atMs / 1000), ...scaled];
}

/**
 * @param {Panel} panel
 * @param {Omit<ChartContext, 'onCursor'> & { readonly holes: () => readonly Span[], readonly onCursor: (index: number | null | undefined) => void }} context
 * @returns {PlotOptions}
 */
function optionsOf(panel, { palette, objectives, holes, onCursor }) {
  const objective = () => {
    const known = panel.objective && objectives()?.[panel.objective];
    return known && { warn: known.warn * panel.scale, bad: known.bad * panel.scale };
  };
  const axis = {
    stroke: () => palette().text,
    grid: { stroke: () => palette().grid, width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    width: 300,
    height: HEIGHT,
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: 'board' }, points: { size: 6 } },
    scales: {
      x: { range: (_, __, end) => [(end ?? 0) - KEPT_MS / 1000, end ?? 0] },
      y: { range: (_, __, top) => [0, Math.max((top ?? 0) * 1.08, (objective()?.bad ?? 4) * LEAST_TOP)] },
    },
    axes: [
      { ...axis, size: 18, gap: 3, space: 70, incrs: [60, 300], values: (_, splits) => splits.map(formatMinute) },
      { ...axis, size: 34, gap: 4, space: 28, values: (_, splits) => splits.map((value) => panel.format(value)) },
    ],
    series: [{}, ...panel.lines.map((line) => seriesOf(line, palette))],
    hooks: {
      drawAxes: [
        (plot) => {
          drawHoles(plot, { spans: holes(), palette: palette() });
          const known = objective();
          if (known) drawObjective(plot, { objective: known, palette: palette() });
        },
      ],
      setCursor: [(plot) => onCursor(plot.cursor.idx)],
    },
  };
}

/** @param {Line} line @param {() => Palette} palette @returns {import('uplot').Series} */
function seriesOf({ style }, palette) {
  const { width, dash } = palette().pens[style];
  return {
    stroke: () => palette().pens[style].stroke,
    width,
    dash,
    fill: () => palette().pens[style].fill ?? 'transparent',
    points: { show: true, size: 4, filter: (plot, series) => lonely(plot.data[series] ?? []) },
  };
}

/** @param {ArrayLike<number | null | undefined>} values @returns {number[]} which of them no line goes through */
function lonely(values) {
  const isKnown = (/** @type {number} */ i) => values[i] !== null && values[i] !== undefined;
  return Array.from(values, (_, i) => i).filter((i) => isKnown(i) && !isKnown(i - 1) && !isKnown(i + 1));
}

const MINUTE = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** @param {number} seconds of the epoch @returns {string} `03:12` */
function formatMinute(seconds) {
  return MINUTE.format(seconds * 1000);
}
