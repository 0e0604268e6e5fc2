/** Who hears whom how: a row for each receiver, a column for each sender. In words while they fit, in marks beyond. */
import { element } from '../page/elements.js';
import { isBad, SIDES, streamText } from './meeting.js';

/** @typedef {import('./meeting.js').Meeting} Meeting */
/** @typedef {import('./meeting.js').Stream} Stream */

/** With more columns a cell has no room for words. */
const WORDS_AT_MOST = 10;

/** @param {Meeting} meeting @param {string} chosen the session that was asked for, if any @returns {HTMLTableElement} */
export function renderMatrix(meeting, chosen) {
  const { people, senders } = shownOf(meeting, chosen);
  const isCompact = senders.length > WORDS_AT_MOST;
  const numbers = new Map(senders.map((id, i) => [id, i + 1]));
  const heads = senders.map((id) => {
    const text = isCompact ? `${numbers.get(id)}` : shortId(id, senders);
    return element('th', { scope: 'col', title: id, ...(id === chosen ? { class: 'chosen' } : {}) }, text);
  });
  const rows = people.map(({ id, state, streams }) => {
    const label = shortId(id, senders);
    const head = element('th', { scope: 'row', title: id }, isCompact ? `${numbers.get(id)} ${label}` : label);
    const cells = senders.map((sender) =>
      sender === id ? element('td', { class: 'self' }) : cellOf(streams.get(sender), isCompact),
    );
    const classes = [state, ...(id === chosen ? ['chosen'] : [])].join(' ');
    return element('tr', { class: classes }, head, ...cells);
  });
  const corner = element('td', { class: 'corner' }, 'hears ↓ · sent by →');
  return element(
    'table',
    { class: isCompact ? 'matrix compact' : 'matrix', 'aria-label': 'Who hears whom: rows receive, columns send' },
    element('thead', {}, element('tr', {}, corner, ...heads)),
    element('tbody', {}, ...rows),
  );
}

/**
 * Who left is not in the way of who is there: such people are shown when they were asked for, or when everybody left.
 * @param {Meeting} meeting @param {string} chosen @returns {Meeting}
 */
function shownOf({ people, senders }, chosen) {
  const gone = people.filter(({ state, id }) => (state === 'left' || state === 'vanished') && id !== chosen);
  if (gone.length === people.length) return { people, senders };
  const away = new Set(gone.map(({ id }) => id));
  return { people: people.filter(({ id }) => !away.has(id)), senders: senders.filter((id) => !away.has(id)) };
}

/** @param {Stream | undefined} stream @param {boolean} isCompact */
function cellOf(stream, isCompact) {
  if (!stream) return element('td', { class: 'none', title: 'receives nothing' }, isCompact ? '' : '–');
  const text = streamText(stream);
  const attributes = { 'data-level': stream.level, ...(stream.side ? { 'data-side': stream.side } : {}) };
  if (isCompact) {
    const mark = element('span', { 'aria-hidden': 'true' }, markOf(stream));
    return element('td', { ...attributes, title: text }, mark, element('span', { class: 'unseen' }, text));
  }
  return element('td', { ...attributes, title: text }, ...wordsOf(stream));
}

/** @param {Stream} stream */
function markOf({ level, side, silence }) {
  if (silence) return '∅';
  if (level === 'bad') return SIDES[side ?? 'unknown'].letter;
  return level === 'warn' ? '▲' : level === 'ok' ? '·' : '–';
}

/** @param {Stream} stream */
function wordsOf(stream) {
  const { level, figures, side, silence } = stream;
  if (silence) return [element('b', {}, '∅ silent'), element('small', {}, streamText(stream).replace('silent: ', ''))];
  if (level === 'unknown') return ['–'];
  const shown = level === 'ok' ? figures.slice(0, 1) : figures.filter((figure) => figure.level === level).slice(0, 2);
  const mark = level === 'bad' ? '▲▲ ' : level === 'warn' ? '▲ ' : '';
  const lines = shown.map(({ name, text }, i) =>
    element('span', { class: 'figure-line' }, `${i === 0 ? mark : ''}${name} ${text}`),
  );
  const tag = isBad(stream) ? [element('small', { class: 'side' }, SIDES[side ?? 'unknown'].words)] : [];
  return [...lines, ...tag];
}

/**
 * @param {string} id
 * @param {readonly string[]} ids all of them
 * @returns {string} without what all of them begin with, which is often the meeting
 */
export function shortId(id, ids) {
  if (ids.length < 2) return id;
  const [first = ''] = ids;
  let length = 0;
  while (length < first.length && ids.every((other) => other[length] === first[length])) length++;
  // Cut where a word of the id begins, or ids would lose half a number.
  const start =
    Math.max(
      first.lastIndexOf('-', length - 1),
      first.lastIndexOf('.', length - 1),
      first.lastIndexOf('_', length - 1),
    ) + 1;
  return start > 0 && id.length > start ? `…${id.slice(start)}` : id;
}
