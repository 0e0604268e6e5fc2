/** The worst sessions as the API lists them: always as many rows, so that nothing on the page moves. */
import { createFigure, element, sayRoles, setAttribute, setText } from '../page/elements.js';
import {
  bareMs,
  barePercent,
  bareRate,
  formatCount,
  formatServer,
  serverUrls,
  shortenHosts,
  UNKNOWN,
} from '../page/format.js';
import { levelOf } from '../verdict/levels.js';

/** @typedef {import('../verdict/levels.js').Level} Level */
/** @typedef {import('../verdict/levels.js').Objectives} Objectives */
/** @typedef {import('../../http/answers.ts').WorstSession} WorstSession */
/** @typedef {import('../../http/answers.ts').Overview} Overview */
/** @typedef {import('../page/address.js').Address} Address */
/** @typedef {{ readonly text: string, readonly level?: Level }} Content */

export const WORST_LIMIT = 10;

const LABELS = Object.freeze(['region', 'meeting', 'session', 'participant', 'server', 'impaired by']);
/** Those of the labels that lead to the look-up. */
const LINKED = new Set(['meeting', 'session']);
const FIGURES = Object.freeze([
  'RTT ms',
  'conc. %',
  'expand/s',
  'loss %',
  'MOS',
  'freeze %',
  'buf. ms',
  'streams',
  'age s',
]);

/** @param {HTMLTableElement} table with a body @param {Address} address where a row leads */
export function createWorstTable(table, address) {
  const [body] = table.tBodies;
  if (!body) throw new TypeError('the table of sessions has no body');
  sayRoles(table);
  const rows = Array.from({ length: WORST_LIMIT }, () => createRow(address));
  body.append(...rows.map(({ node }) => node));
  return {
    /** @param {readonly WorstSession[]} sessions the worst first @param {Overview} overview */
    update(sessions, { objectives, regions }) {
      const shorten = shortenHosts(serverUrls(regions));
      for (const [index, row] of rows.entries()) row.update(sessions[index], { objectives, shorten });
    },
  };
}

/** @param {Address} address */
function createRow(address) {
  const labels = LABELS.map((label) => {
    const cell = element('td', { class: label === 'region' ? label : 'id', role: 'cell', 'data-label': label });
    const holder = LINKED.has(label) ? element('a') : undefined;
    if (holder) cell.append(holder);
    return { cell, holder: holder ?? cell };
  });
  const figures = FIGURES.map((label) => createFigure(label));
  const cells = [...labels, ...figures].map(({ cell }) => cell);
  const node = element('tr', { role: 'row' }, ...cells);
  /** @type {WorstSession | undefined} */
  let shown;
  node.addEventListener('click', (event) => {
    // As with any link: with a key or another button it opens elsewhere; and who selects a text wants to copy it.
    if (!shown || event.ctrlKey || event.metaKey || event.shiftKey || `${getSelection()}` !== '') return;
    event.preventDefault();
    address.change({ meeting: shown.meeting_id, session: shown.session_id });
    document.querySelector('#verdict')?.scrollIntoView({ block: 'start' });
  });
  return {
    node,
    /** @param {WorstSession | undefined} session @param {{ readonly objectives: Objectives, readonly shorten: (host: string) => string }} context */
    update(session, { objectives, shorten }) {
      shown = session;
      node.classList.toggle('empty', !session);
      const texts = session ? labelsOf(session) : [];
      for (const [index, { cell, holder }] of labels.entries()) {
        setText(holder, LABELS[index] === 'server' ? shorten(texts[index] ?? '') : (texts[index] ?? ''));
        setAttribute(cell, 'title', texts[index]);
        if (holder instanceof HTMLAnchorElement) setAttribute(holder, 'href', session && linkOf(address, session));
      }
      const contents = session ? figuresOf(session, objectives) : [];
      for (const [index, figure] of figures.entries()) {
        figure.set(contents[index]?.text ?? '', contents[index]?.level);
      }
    },
  };
}

/** @param {Address} address @param {WorstSession} session */
function linkOf(address, { meeting_id: meeting, session_id: session }) {
  return address.link({ meeting, session });
}

/** @param {WorstSession} session */
function labelsOf(session) {
  const { region, meeting_id, session_id, participant_id, server_url: url, server_type: type } = session;
  return [region, meeting_id, session_id, participant_id, formatServer({ url, type }), impairmentText(session)];
}

/** @param {WorstSession} session @returns {string} `audio, video: publisher`: the causes, and the side of most of its bad streams */
export function impairmentText({ impaired, peers }) {
  const causes = impaired.join(', ');
  const sides = peers.flatMap(({ side }) => side ?? []);
  const side = sides.find((one) => 2 * sides.filter((other) => other === one).length > sides.length);
  return side && side !== 'unknown' ? `${causes}: ${side}` : causes;
}

/** @param {WorstSession} session @param {Objectives} objectives @returns {Content[]} of its worst stream, except the RTT */
function figuresOf({ rtt_seconds: rtt, peers, last_beacon_age_seconds: age }, objectives) {
  const concealment = greatest(peers.map((peer) => peer.concealment_ratio));
  const expand = greatest(peers.map((peer) => peer.expand_operations_per_second));
  const loss = greatest(peers.map((peer) => peer.audio_packet_loss_ratio));
  const freeze = greatest(peers.map((peer) => peer.video_freeze_ratio));
  const mos = peers.flatMap((peer) => peer.audio_mos ?? []);
  return [
    { text: bareMs(rtt), level: levelOf(objectives.rtt, rtt) },
    { text: barePercent(concealment), level: levelOf(objectives.concealment, concealment) },
    { text: bareRate(expand), level: levelOf(objectives.expand, expand) },
    { text: barePercent(loss), level: levelOf(objectives.audio_packet_loss, loss) },
    { text: mos.length === 0 ? UNKNOWN : Math.min(...mos).toFixed(1) },
    { text: barePercent(freeze), level: levelOf(objectives.video_freeze, freeze) },
    { text: bareMs(greatest(peers.map((peer) => peer.neteq_buffer_seconds))) },
    { text: formatCount(peers.length) },
    { text: formatCount(age) },
  ];
}

/** @param {readonly (number | undefined)[]} values */
function greatest(values) {
  const known = values.flatMap((value) => value ?? []);
  return known.length === 0 ? undefined : Math.max(...known);
}
