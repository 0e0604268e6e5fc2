/**
 * The board's page: asks the aggregator every 5 s and hands what it says to the parts of the page.
 * What the figures mean is verdict/'s; how they look is the tables' and style/'s.
 */

import { createHistory } from './charts/history.js';
import { element, required, setAttribute, setText } from './page/elements.js';
import { formatClock, formatZone } from './page/format.js';
import { fetchOverview, fetchWorst } from './page/source.js';
import { createHealthTable } from './tables/health-table.js';
import { createRegionTable } from './tables/region-table.js';
import { createWorstTable, WORST_LIMIT } from './tables/worst-table.js';
import { reachVerdict, thresholdsText } from './verdict/verdict.js';

/** @typedef {import('../http/answers.ts').Overview} Overview */
/** @typedef {import('../http/answers.ts').WorstSession} WorstSession */
/** @typedef {import('./verdict/verdict.js').Verdict} Verdict */

const POLL_MS = 5_000;
/** Figures older than this are not of now, whatever the reason: two polls and a half. */
const STALE_MS = 12_500;

/** The most that the API lists. */
const LIMIT_MAX = 100;

const LEVEL_WORDS = { unknown: 'Unknown', ok: 'Fine', warn: 'Warning', bad: 'Bad' };

const page = document.documentElement;
const verdict = required('#verdict', HTMLElement);
const verdictLevel = required('#verdict-level', HTMLElement);
const verdictText = required('#verdict-text', HTMLElement);
const announcement = required('#announcement', HTMLElement);
const outage = required('#outage', HTMLElement);
const clock = required('#clock', HTMLElement);
const version = required('#version', HTMLElement);
const worstState = required('#worst-state', HTMLElement);
const regionFilter = required('#worst-region', HTMLSelectElement);
const sortSwitch = required('#worst-sort', HTMLFieldSetElement);

const history = createHistory();
const regionTable = createRegionTable(required('#regions', HTMLTableElement));
const worstTable = createWorstTable(required('#worst', HTMLTableElement));
const healthTable = createHealthTable(required('#health', HTMLTableElement));

/** @type {{ readonly overview: Overview, readonly atMs: number } | undefined} the last one that came, and when */
let latest;
/** @type {string | undefined} why the last poll brought none */
let failure;
/** Number of the newest question for the worst sessions: an older answer comes too late. */
let asked = 0;

async function poll() {
  const answer = await settle(fetchOverview());
  failure = answer.failure;
  if (answer.value) {
    latest = { overview: answer.value, atMs: Date.now() };
    history.add(latest.overview, latest.atMs);
    showOverview(latest.overview, latest.atMs);
  }
  showAge();
  if (failure === undefined) await pollWorst();
}

async function pollWorst() {
  const question = ++asked;
  // Sessions of a region that is no longer heard are still listed for a while; others are behind them.
  const limit = silentRegions().size === 0 ? WORST_LIMIT : LIMIT_MAX;
  const answer = await settle(fetchWorst({ sort: chosenSort(), region: regionFilter.value, limit }));
  if (question === asked) showWorst(answer.value ?? [], answer.failure);
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

/** @param {Overview} overview @param {number} atMs */
function showOverview(overview, atMs) {
  regionTable.update(overview, history, atMs);
  healthTable.update(overview, history);
  fillRegionFilter(overview);
  setText(required('#thresholds', HTMLElement), thresholdsText(overview.objectives));
  setText(clock, formatClock(atMs));
  setAttribute(clock, 'datetime', new Date(atMs).toISOString());
  setText(version, `edgepulse ${overview.version}`);
  page.dataset.state = 'live';
}

/** @param {readonly WorstSession[]} sessions @param {string | undefined} why there are none, when it was not answered */
function showWorst(sessions, why) {
  const silent = silentRegions();
  const heard = sessions.filter(({ region }) => !silent.has(region));
  if (latest) worstTable.update(heard, latest.overview.objectives);
  const isSilent = silent.has(regionFilter.value) || sessions.length > 0;
  const none = isSilent ? 'No feed from there.' : 'No session with this figure.';
  setText(worstState, why ?? (heard.length > 0 ? '' : none));
}

/** The verdict, or that it is unknown because no answer came for a while, for example after a laptop's sleep. */
function showAge() {
  const isStale = latest !== undefined && Date.now() - latest.atMs > STALE_MS;
  if (latest && failure === undefined && !isStale) {
    page.dataset.state = 'live';
    outage.hidden = true;
    showVerdict(reachVerdict(latest.overview));
    return;
  }
  if (failure === undefined && !isStale) return;
  page.dataset.state = latest ? 'stale' : 'empty';
  const why = failure ?? 'no answer yet';
  const sentence = latest
    ? `${capitalize(why)}. The figures below are of ${formatClock(latest.atMs)} and are not true of now.`
    : `${capitalize(why)}. Nothing was heard yet.`;
  setText(outage, `Asking again every ${POLL_MS / 1000} s.`);
  outage.hidden = false;
  showVerdict({ level: 'unknown', headline: 'no answer', sentence });
}

/** @param {Verdict} reached */
function showVerdict({ level, headline, sentence }) {
  setAttribute(verdict, 'data-level', level);
  setText(verdictLevel, LEVEL_WORDS[level]);
  setText(verdictText, sentence);
  // Read out only when the situation changes, not with every figure.
  setText(announcement, `${LEVEL_WORDS[level]}: ${headline}`);
  document.title = `${LEVEL_WORDS[level]}: ${headline} \u2013 edgepulse`;
}

/** @param {Overview} overview */
function fillRegionFilter({ regions }) {
  const known = new Set([...regionFilter.options].map(({ value }) => value));
  for (const { region } of regions) {
    if (!known.has(region)) regionFilter.append(element('option', { value: region }, region));
  }
}

function silentRegions() {
  return new Set(latest?.overview.regions.flatMap(({ region, feed }) => (feed.up ? [] : [region])));
}

function chosenSort() {
  return required('input:checked', HTMLInputElement, sortSwitch).value;
}

/** @param {string} text */
function capitalize(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
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

setText(required('#zone', HTMLElement), formatZone(Date.now()));
sortSwitch.addEventListener('change', () => void pollWorst());
regionFilter.addEventListener('change', () => void pollWorst());
setInterval(showAge, 1_000);
void pollForever();
