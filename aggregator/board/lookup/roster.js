/** Everybody of a meeting: where, on which server, how they fare, and whether and how they left. */
import { createCopyButton } from '../page/copy.js';
import { element } from '../page/elements.js';
import { bareMs, barePercent, formatClock, formatCount, UNKNOWN } from '../page/format.js';
import { levelOf } from '../verdict/levels.js';
import { isBad } from './meeting.js';

/** @typedef {import('./meeting.js').Meeting} Meeting */
/** @typedef {import('./meeting.js').Person} Person */
/** @typedef {import('../verdict/levels.js').Objectives} Objectives */

const HEADS = [
  'session',
  'participant',
  'region',
  'server',
  'RTT ms',
  'uplink loss %',
  'impaired by',
  'hears badly',
  'heard badly by',
  'state',
];
const MARKS = { bad: '▲▲ ', warn: '▲ ', ok: '', unknown: '' };

/** @param {Meeting} meeting @param {{ readonly objectives: Objectives, readonly chosen: string, readonly linkOf: (person: Person) => string, readonly shorten: (host: string) => string }} context */
export function renderRoster({ people }, { objectives, chosen, linkOf, shorten }) {
  const rows = people.map((person) => {
    const { id, streams } = person;
    const heard = people.flatMap((other) => (other.state === 'live' ? (other.streams.get(id) ?? []) : []));
    const level = levelOf(objectives.rtt, person.rtt);
    const link = element('a', { href: linkOf(person), 'data-session': id, 'data-meeting': person.meeting }, id);
    const copy = createCopyButton({ label: 'copy', title: `Copy session ${id}`, text: () => id });
    const cells = [
      element('th', { scope: 'row', 'data-label': 'session' }, link, copy),
      textCell('participant', person.participant),
      textCell('region', person.region),
      textCell('server', shorten(person.server), person.server),
      element('td', { 'data-label': 'RTT ms', 'data-level': level }, MARKS[level] + bareMs(person.rtt)),
      textCell('uplink loss %', barePercent(person.uplinkLoss)),
      textCell('impaired by', person.impaired.join(', ')),
      textCell('hears badly', shareText([...streams.values()])),
      textCell('heard badly by', shareText(heard)),
      textCell('state', stateText(person)),
    ];
    const classes = [person.state, ...(id === chosen ? ['chosen'] : [])].join(' ');
    return element('tr', { class: classes }, ...cells);
  });
  const heads = HEADS.map((text) => element('th', { scope: 'col' }, text));
  return element(
    'table',
    { class: 'roster', 'aria-label': 'Sessions of the meeting' },
    element('thead', {}, element('tr', {}, ...heads)),
    element('tbody', {}, ...rows),
  );
}

/** @param {string} label @param {string} text @param {string} [title] all of it, where the text leaves something out */
function textCell(label, text, title = text) {
  return element('td', { 'data-label': label, title }, text);
}

/** @param {readonly import('./meeting.js').Stream[]} streams @returns {string} `3 of 5` */
function shareText(streams) {
  if (streams.length === 0) return UNKNOWN;
  return `${formatCount(streams.filter(isBad).length)} of ${formatCount(streams.length)}`;
}

/** @param {Person} person */
export function stateText({ state, atMs, ageSeconds }) {
  switch (state) {
    case 'live':
      return `live, ${formatCount(ageSeconds)} s ago`;
    case 'quiet':
      return `quiet for ${formatCount(ageSeconds)} s`;
    case 'left':
      return `left at ${formatClock(atMs ?? 0)}`;
    case 'vanished':
      return `vanished, ended at ${formatClock(atMs ?? 0)}`;
  }
}
