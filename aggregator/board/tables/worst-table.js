/** The worst sessions as the API lists them: always as many rows, so that nothing on the page moves. */
import { createFigure, element, sayRoles, setAttribute, setText } from '../page/elements.js';
import { bareMs, barePercent, bareRate, formatCount, formatServer, UNKNOWN } from '../page/format.js';
import { levelOf } from '../verdict/levels.js';

/** @typedef {import('../verdict/levels.js').Level} Level */
/** @typedef {import('../verdict/levels.js').Objectives} Objectives */
/** @typedef {import('../../http/answers.ts').WorstSession} WorstSession */
/** @typedef {{ readonly text: string, readonly level?: Level }} Content */

export const WORST_LIMIT = 10;

const LABELS = Object.freeze(['region', 'meeting', 'session', 'participant', 'server', 'impaired by']);
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

/** @param {HTMLTableElement} table with a body */
export function createWorstTable(table) {
  const [body] = table.tBodies;
  if (!body) throw new TypeError('the table of sessions has no body');
  sayRoles(table);
  const rows = Array.from({ length: WORST_LIMIT }, createRow);
  body.append(...rows.map(({ node }) => node));
  return {
    /** @param {readonly WorstSession[]} sessions the worst first @param {Objectives} objectives */
    update(sessions, objectives) {
      for (const [index, row] of rows.entries()) row.update(sessions[index], objectives);
    },
  };
}

function createRow() {
  const labels = LABELS.map((label) =>
    element('td', { class: label === 'region' ? label : 'id', role: 'cell', 'data-label': label }),
  );
  const figures = FIGURES.map((label) => createFigure(label));
  const node = element('tr', { role: 'row' }, ...labels, ...figures.map(({ cell }) => cell));
  return {
    node,
    /** @param {WorstSession | undefined} session @param {Objectives} objectives */
    update(session, objectives) {
      node.classList.toggle('empty', !session);
      const texts = session ? labelsOf(session) : [];
      for (const [index, cell] of labels.entries()) {
        setText(cell, texts[index] ?? '');
        setAttribute(cell, 'title', texts[index]);
      }
      const contents = session ? figuresOf(session, objectives) : [];
      for (const [index, figure] of figures.entries()) {
        figure.set(contents[index]?.text ?? '', contents[index]?.level);
      }
    },
  };
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
