/** The table of regions and, beneath each, its servers: network, audio, video and people from left to right. */
import { createFigure, element, reconcile, sayRoles, setAttribute, setText } from '../page/elements.js';
import {
  bareMs,
  barePercent,
  bareRate,
  formatCount,
  formatPerSecond,
  formatPlace,
  formatRatio,
  formatServer,
  serverUrls,
  shortenHosts,
  UNKNOWN,
} from '../page/format.js';
import { areJoinsFailing } from '../verdict/joining.js';
import { judge, nameOf } from '../verdict/judge.js';
import { levelOf } from '../verdict/levels.js';
import { silenceText } from '../verdict/verdict.js';
import { createSparkline } from './sparkline.js';

/** @typedef {import('../../http/answers.ts').Overview} Overview */
/** @typedef {import('../../http/answers.ts').RegionOverview} Region */
/** @typedef {import('../../http/answers.ts').ServerOverview} Server */
/** @typedef {import('../../http/answers.ts').LiveFigures} Figures */
/** @typedef {import('../charts/timeline.js').Timeline} Timeline */
/** @typedef {import('../page/address.js').Address} Address */
/** @typedef {import('../verdict/levels.js').Level} Level */
/** @typedef {import('../verdict/levels.js').Objectives} Objectives */
/** @typedef {import('../verdict/judge.js').Rules} Rules */
/** @typedef {import('./sparkline.js').Scale} Scale */

/** @typedef {import('../verdict/verdict.js').Silence} Silence */

/** What every region's row needs beside its own figures. @typedef {{ readonly timeline: Timeline, readonly scale: Scale, readonly rules: Rules, readonly shorten: (host: string) => string }} Context */

/** A region with more servers than this starts closed, or the regions would stand far apart. */
const OPEN_AT_MOST = 6;
/** Where rows are blocks of several lines, all regions fit on the screen only while they are closed. */
const NARROW = matchMedia('(max-width: 699px)');

/** One scale for all sparklines, at least up to this much over where RTT is bad, so that a line low down is a good one. */
const LEAST_TOP = 1.2;

const STATES = { network: 'network', audio: 'audio', both: 'network + audio', video: 'video', silence: 'silence' };

/** @param {HTMLTableElement} table with a head and a foot, whose row is for all regions together @param {Address} address where a sparkline leads */
export function createRegionTable(table, address) {
  const { tHead, tFoot } = table;
  if (!tHead || !tFoot) throw new TypeError('the table of regions has no head or no foot');
  sayRoles(table);
  /** @type {Map<string, ReturnType<typeof createRegion>>} */
  const regions = new Map();
  const all = createRow();
  const name = element('span', { class: 'name' });
  all.head.append(name);
  tFoot.append(all.node);
  return {
    /** @param {Overview} overview @param {Timeline} timeline */
    update(overview, timeline) {
      const { regions: items, all: everybody, objectives } = overview;
      const { warn, bad } = objectives.rtt;
      const scale = { nowMs: timeline.sinceMs() ?? 0, warn, top: topOf(items, timeline, bad * LEAST_TOP) };
      const shorten = shortenHosts(serverUrls(items));
      const context = { timeline, scale, rules: overview, shorten };
      const create = (/** @type {Region} */ region) => createRegion(region, address);
      const parts = reconcile(regions, { after: tHead, items, keyOf: ({ region }) => region, create });
      for (const [index, region] of items.entries()) parts[index]?.update(region, context);
      const heard = items.flatMap(({ live }) => live ?? []);
      setText(name, heard.length === items.length ? 'all regions' : 'all that is heard');
      all.setFigures(heard.length === 0 ? undefined : everybody, objectives);
      // People are added up; a meeting may be in several regions and is still one.
      all.people.set(formatCount(sumOf(heard.map(({ participants }) => participants))));
    },
  };
}

/** @param {Region} region @param {Address} address */
function createRegion(region, address) {
  const node = element('tbody', { role: 'rowgroup' });
  const row = createRow();
  const toggle = element('button', { type: 'button', class: 'toggle name' }, region.region);
  const state = element('span', { class: 'state' });
  const sparkline = createSparkline();
  row.head.append(toggle, state);
  const trend = element('a', { title: `Charts of ${region.region}` }, sparkline.svg);
  trend.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    address.change({ region: region.region });
  });
  row.trend.append(trend);
  node.append(row.node);
  /** @type {Map<string, ReturnType<typeof createServer>>} */
  const rows = new Map();
  /** @type {boolean | undefined} until there are servers to open or close */
  let isOpen;
  const show = () => {
    toggle.disabled = rows.size === 0;
    setAttribute(toggle, 'aria-expanded', rows.size === 0 ? undefined : `${isOpen}`);
    for (const server of rows.values()) server.node.hidden = !isOpen;
  };
  toggle.addEventListener('click', () => {
    isOpen = !isOpen;
    show();
  });
  return {
    node,
    /** @param {Region} newest @param {Context} context */
    update({ region: name, feed, live }, { timeline, scale, rules, shorten }) {
      const { objectives } = rules;
      const servers = live?.servers ?? [];
      row.setFigures(live, objectives);
      row.people.set(formatCount(live?.participants));
      row.meetings.set(formatCount(live?.meetings));
      setAttribute(trend, 'href', address.link({ region: name }));
      sparkline.set(pointsOf(timeline, name), scale);
      const { text, level } = feed.up ? stateOf(live, rules) : silentState(feed);
      setText(state, text);
      setAttribute(node, 'data-level', level);
      node.classList.toggle('empty', !live || live.sessions === 0);
      const keyOf = (/** @type {Server} */ { server_url, server_type }) => `${server_url} ${server_type}`;
      const parts = reconcile(rows, { after: row.node, items: servers, keyOf, create: createServer });
      for (const [index, server] of servers.entries()) {
        parts[index]?.setFigures(server, objectives);
        parts[index]?.setPlace(shorten);
      }
      if (servers.length > 0) isOpen ??= servers.length <= OPEN_AT_MOST && !NARROW.matches;
      show();
    },
  };
}

/** @param {Server} server */
function createServer({ server_url: url, server_type: type }) {
  const server = { url, type };
  const row = createRow();
  row.node.classList.add('server');
  // A long host name may be cut; the title has all of it.
  const [transport, place] = url === 'none' ? ['', formatServer(server)] : [type, formatPlace(server)];
  row.head.title = `${url} ${type}`;
  const host = element('span', { class: 'place' }, place);
  row.head.append(element('span', { class: 'transport' }, transport), ' ', host);
  return { ...row, setPlace: (/** @type {(host: string) => string} */ shorten) => setText(host, shorten(place)) };
}

/** @param {Region['live']} figures @param {Rules} rules @returns {{ text: string, level: Level }} */
function stateOf(figures, rules) {
  const state = stateOfCalls(figures, rules);
  return state.level !== 'bad' && areJoinsFailing(figures, rules) ? { text: '▲▲ joins fail', level: 'bad' } : state;
}

/** @param {Region['live']} figures @param {Rules} rules @returns {{ text: string, level: Level }} */
function stateOfCalls(figures, rules) {
  if (!figures || figures.sessions === 0) return { text: 'nobody here', level: 'unknown' };
  const judgement = judge(figures, rules);
  const { level } = judgement;
  const name = nameOf(judgement);
  if (name) return { text: `${level === 'bad' ? '▲▲' : '▲'} ${STATES[name]}`, level };
  return level === 'ok' ? { text: 'fine', level } : { text: 'not known', level };
}

/** @param {Silence} silence @returns {{ text: string, level: Level | 'silent' }} */
function silentState(silence) {
  return { text: silenceText(silence), level: 'silent' };
}

/** A row of the table: its cells by what they say. */
function createRow() {
  const head = element('th', { scope: 'row', role: 'rowheader' });
  const trend = element('td', { class: 'trend', role: 'cell', 'data-label': '15 min' });
  const p50 = createFigure('RTT p50, ms');
  const p95 = createFigure('p95, ms');
  const p99 = createFigure('p99, ms');
  const buffer = createFigure('buffer, ms');
  const concealment = createFigure('conceal., %');
  const expand = createFigure('expand/s');
  const loss = createFigure('audio loss, %');
  const acceleration = createFigure('accel.');
  const videoLoss = createFigure('video loss, %');
  const freeze = createFigure('freeze, %');
  const impaired = createFigure('impaired');
  const quiet = createFigure('quiet');
  const sessions = createFigure('sessions');
  const people = createFigure('people');
  const meetings = createFigure('meetings');
  const peers = createFigure('streams');
  for (const { cell } of [p50, buffer, videoLoss, impaired]) cell.classList.add('first');
  p95.cell.classList.add('main');
  acceleration.cell.classList.add('mixed');
  const node = element('tr', { role: 'row' }, head);
  const ofAudio = [buffer, concealment, expand, loss, acceleration];
  const others = [...ofAudio, videoLoss, freeze, impaired, quiet, sessions, people, meetings, peers];
  node.append(...[p50, p95, p99].map(({ cell }) => cell), trend, ...others.map(({ cell }) => cell));
  // People and meetings are counted by region, not by server: neither known nor unknown.
  for (const part of [people, meetings]) {
    part.cell.classList.add('by-region');
    part.set('');
  }
  meetings.cell.classList.add('meetings');
  return {
    node,
    head,
    trend,
    people,
    meetings,
    /** @param {Figures | undefined} known undefined: nothing is @param {Objectives} objectives */
    setFigures(known, objectives) {
      const { rtt, neteq_buffer: buffering, concealment: concealed, expand: expanded } = known?.measures ?? {};
      const { audio_packet_loss: lost, video_packet_loss: videoLost, video_freeze: frozen } = known?.measures ?? {};
      p50.set(bareMs(rtt?.p50));
      p95.set(bareMs(rtt?.p95), levelOf(objectives.rtt, rtt?.p95));
      p99.set(bareMs(rtt?.p99));
      buffer.set(bareMs(buffering?.p95));
      concealment.set(barePercent(concealed?.p95), levelOf(objectives.concealment, concealed?.p95));
      expand.set(bareRate(expanded?.p95), levelOf(objectives.expand, expanded?.p95));
      loss.set(barePercent(lost?.p95), levelOf(objectives.audio_packet_loss, lost?.p95));
      acceleration.set(accelerationText(known));
      videoLoss.set(barePercent(videoLost?.p95), levelOf(objectives.video_packet_loss, videoLost?.p95));
      freeze.set(barePercent(frozen?.p95), levelOf(objectives.video_freeze, frozen?.p95));
      impaired.set(formatCount(known?.impaired_sessions.any));
      quiet.set(formatCount(known?.quiet_sessions));
      sessions.set(formatCount(known?.sessions));
      peers.set(formatCount(known?.peer_connections));
    },
  };
}

/** Browsers tell a share of the samples, clients with a NetEQ of their own operations. @param {Figures | undefined} figures */
function accelerationText(figures) {
  const share = figures?.measures.acceleration.p95;
  const operations = figures?.measures.accelerate.p95;
  const known = [
    ...(share === undefined ? [] : [formatRatio(share)]),
    ...(operations === undefined ? [] : [formatPerSecond(operations)]),
  ];
  return known.length === 0 ? UNKNOWN : known.join(' · ');
}

/** @param {Timeline} timeline @param {string} region @returns {import('./sparkline.js').Point[]} p95 of the RTT, oldest first */
function pointsOf(timeline, region) {
  const { timesMs, columns } = timeline.of(region);
  return timesMs.map((atMs, i) => ({ atMs, value: columns.rtt_p95[i] ?? undefined }));
}

/** @param {readonly Region[]} regions @param {Timeline} timeline @param {number} least */
function topOf(regions, timeline, least) {
  const values = regions.flatMap(({ region }) => timeline.of(region).columns.rtt_p95.flatMap((value) => value ?? []));
  return values.reduce((top, value) => Math.max(top, value), least);
}

/** @param {readonly (number | undefined)[]} values @returns {number | undefined} undefined when none is known */
function sumOf(values) {
  const known = values.flatMap((value) => value ?? []);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0);
}
