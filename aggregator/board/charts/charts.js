/** The charts of the last 15 minutes: small ones side by side, one of them large when it is chosen, and all as a table. */
import { createCopyButton } from '../page/copy.js';
import { element, required, setAttribute, setText } from '../page/elements.js';
import { formatClock } from '../page/format.js';
import { createChart } from './chart.js';
import { onPaletteChange, readPalette } from './palette.js';
import { PANELS, queryOf } from './panels.js';
import { tableOf } from './summary.js';

/** @typedef {import('./panels.js').Panel} Panel */
/** @typedef {import('./timeline.js').Timeline} Timeline */
/** @typedef {import('../page/address.js').Address} Address */
/** @typedef {import('../verdict/levels.js').Objectives} Objectives */

/** @param {HTMLElement} section @param {Address} address which region, and which chart is large */
export function createCharts(section, address) {
  const grid = required('.charts', HTMLElement, section);
  const time = required('.cursor-time', HTMLElement, section);
  const asTable = required('details', HTMLDetailsElement, section);
  let palette = readPalette();
  /** @type {Objectives | undefined} */
  let objectives;
  /** @type {Timeline | undefined} */
  let shown;
  const context = {
    palette: () => palette,
    objectives: () => objectives,
    onCursor: (/** @type {number | undefined} */ atMs) => setText(time, atMs ? `at ${formatClock(atMs)}` : ''),
  };
  const panels = PANELS.map((panel) => createPanel(panel, { address, context }));
  grid.append(...panels.map(({ node }) => node));
  onPaletteChange(() => {
    palette = readPalette();
    for (const { chart } of panels) chart.redraw();
  });
  asTable.addEventListener('toggle', showTable);

  function showTable() {
    if (!asTable.open || !shown) return;
    const { head, rows } = tableOf(PANELS, shown.of(address.current().region));
    const table = required('table', HTMLTableElement, asTable);
    table.replaceChildren(
      element('thead', {}, element('tr', {}, ...head.map((text) => element('th', { scope: 'col' }, text)))),
      element(
        'tbody',
        {},
        ...rows.map(([minute = '', ...figures]) =>
          element('tr', {}, element('th', { scope: 'row' }, minute), ...figures.map((text) => element('td', {}, text))),
        ),
      ),
    );
  }

  return {
    /** @param {Timeline} timeline @param {Objectives} newest */
    update(timeline, newest) {
      objectives = newest;
      shown = timeline;
      const { region, measure } = address.current();
      const steps = timeline.of(region);
      for (const { panel, chart, setLarge } of panels) {
        setLarge(panel.measure === measure);
        chart.set(steps, region || 'all regions');
      }
      showTable();
    },
  };
}

/** @param {Panel} panel @param {{ readonly address: Address, readonly context: import('./chart.js').ChartContext }} place */
function createPanel(panel, { address, context }) {
  const chart = createChart(panel, context);
  const toggle = element('button', { type: 'button', class: 'enlarge', 'aria-expanded': 'false' }, panel.title);
  toggle.addEventListener('click', () => {
    const isLarge = address.current().measure === panel.measure;
    address.change({ measure: isLarge ? '' : panel.measure });
  });
  const copy = createCopyButton({
    label: 'PromQL',
    title: 'Copy the query that asks Prometheus for the same',
    text: () => queryOf(panel, address.current().region),
  });
  const heading = element('h3', {}, toggle, element('span', { class: 'unit' }, panel.unit));
  const node = element('figure', { class: `chart ${panel.measure}` }, heading, chart.legend, copy, chart.holder);
  return {
    node,
    panel,
    chart,
    /** @param {boolean} isLarge */
    setLarge(isLarge) {
      node.classList.toggle('large', isLarge);
      setAttribute(toggle, 'aria-expanded', `${isLarge}`);
      chart.setLarge(isLarge);
    },
  };
}
