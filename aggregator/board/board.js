/**
 * The board's page: asks the aggregator every 5 s and hands what it says to the parts of the page.
 * What the figures mean is verdict/'s; how they look is the parts' and style/'s.
 */
import { createCharts } from './charts/charts.js';
import { createTimeline } from './charts/timeline.js';
import { createLookup } from './lookup/lookup.js';
import { createAddress } from './page/address.js';
import { createCopyButton } from './page/copy.js';
import { required, setAttribute, setText } from './page/elements.js';
import { formatClock, formatZone } from './page/format.js';
import { fetchOverview } from './page/source.js';
import { createHealthTable } from './tables/health-table.js';
import { createRates } from './tables/rates.js';
import { createRegionTable } from './tables/region-table.js';
import { createRegionChoice, createWorst } from './tables/worst.js';
import { createBanner } from './verdict/banner.js';
import { thresholdsText } from './verdict/verdict.js';

const POLL_MS = 5_000;
/** Figures older than this are not of now, whatever the reason: two polls and a half. */
const STALE_MS = 12_500;

const address = createAddress();
const timeline = createTimeline();
const rates = createRates();
const banner = createBanner({ pollMs: POLL_MS, staleMs: STALE_MS });
const charts = createCharts(required('#charts', HTMLElement), address);
const regionTable = createRegionTable(required('#regions', HTMLTableElement), address);
const worst = createWorst(required('#worst-sessions', HTMLElement), address);
const healthTable = createHealthTable(required('#health', HTMLTableElement));
const lookup = createLookup(address);
const choices = ['#charts-region', '#worst-region'].map((id) =>
  createRegionChoice(required(id, HTMLSelectElement), address),
);

/** @type {import('./verdict/banner.js').Answer | undefined} */
let latest;
/** @type {string | undefined} why the last poll brought none */
let failure;

async function poll() {
  const answer = await settle(fetchOverview(timeline.sinceMs()));
  failure = answer.failure;
  if (answer.value) take({ overview: answer.value, atMs: Date.now() });
  banner.update(latest, failure);
  if (failure === undefined) await askMore();
}

/** @param {import('./verdict/banner.js').Answer} answer */
function take(answer) {
  try {
    timeline.add(answer.overview.history);
    rates.add(answer.overview, answer.atMs);
    show(answer);
    banner.update(answer, undefined);
    latest = answer;
  } catch (error) {
    // Whatever is wrong with it: a verdict that stays as it was would look like one of now.
    failure = 'the aggregator\u2019s answer cannot be shown';
    reportError(error);
  }
}

/** What follows from what is chosen: a list of sessions, and what was looked up. */
async function askMore() {
  if (!latest) return;
  const { overview } = latest;
  await Promise.all([worst.update(overview), lookup.update(overview)]);
}

/**
 * What the aggregator fails to answer is something to show; anything else is a bug, and not caught here.
 * @template T
 * @param {Promise<T>} answer
 * @returns {Promise<{ readonly value?: T, readonly failure?: string }>}
 */
function settle(answer) {
  return answer.then(
    (value) => ({ value }),
    (error) => ({ failure: error instanceof Error ? error.message : String(error) }),
  );
}

/** @param {import('./verdict/banner.js').Answer} answer */
function show({ overview, atMs }) {
  const clock = required('#clock', HTMLElement);
  regionTable.update(overview, timeline);
  charts.update(timeline, overview.objectives);
  healthTable.update(overview, rates);
  for (const choice of choices) choice.update(overview);
  setText(required('#thresholds', HTMLElement), thresholdsText(overview.objectives));
  setText(clock, formatClock(atMs));
  setAttribute(clock, 'datetime', new Date(atMs).toISOString());
  setText(required('#version', HTMLElement), `edgepulse ${overview.version}`);
}

/** From start to start, however long the answer takes; a hidden page's timers are the browser's to slow down. */
async function pollForever() {
  for (;;) {
    const pause = new Promise((resolve) => setTimeout(resolve, POLL_MS));
    // A bug is reported on the console, and polling goes on.
    await poll().catch(reportError);
    await pause;
  }
}

address.onChange(() => {
  if (!latest) return;
  show(latest);
  void askMore().catch(reportError);
});
required('#copy-link', HTMLElement).append(
  createCopyButton({ label: 'copy link', title: 'Copy a link to what is shown', text: () => address.link() }),
);
// What scrolls by itself is scrolled with the keyboard when it has the focus.
for (const part of document.querySelectorAll('.scroll')) part.setAttribute('tabindex', '0');
setText(required('#zone', HTMLElement), formatZone(Date.now()));
setInterval(() => banner.update(latest, failure), 1_000);
void pollForever();
