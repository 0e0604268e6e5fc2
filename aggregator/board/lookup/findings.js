/** What is wrong in one meeting, in sentences that name whom. Pure. */
import { formatClock, formatCount, plural } from '../page/format.js';
import { countText } from '../verdict/people.js';
import { isBad, SILENCES } from './meeting.js';

/** @typedef {import('./meeting.js').Meeting} Meeting */
/** @typedef {import('./meeting.js').Person} Person */
/** @typedef {import('./meeting.js').Stream} Stream */
/** @typedef {{ readonly from: string, readonly to: string, readonly stream: Stream }} Heard */

/** So many are named; of the rest there is a number. */
const NAMED = 3;

/** @param {Meeting} meeting @returns {string} who is in it, and what is wrong with whom */
export function describeMeeting({ people }) {
  const present = people.filter(isPresent);
  if (present.length === 0) return goneText(people);
  const quiet = people.filter(({ state }) => state === 'quiet').length;
  const impaired = present.filter((person) => person.impaired.length > 0).length;
  const who = [
    countText(present.length, isOneEach(present) ? 'people' : 'sessions'),
    ...(quiet > 0 ? [`${formatCount(quiet)} quiet`] : []),
    ...(impaired > 0 ? [`${formatCount(impaired)} impaired`] : []),
  ].join(', ');
  const heard = heardBy(present);
  const findings = [...silences(heard), ...uplinks(heard), ...downlinks(heard), ...servers(heard, present)];
  const rest = heard.filter(
    ({ stream }) => isBad(stream) && !stream.silence && (stream.side ?? 'unknown') === 'unknown',
  );
  if (rest.length > 0) findings.push(`${plural(rest.length, 'bad stream')} of which the side is not known`);
  const slow = present.filter(({ impaired: causes }) => causes.includes('rtt'));
  if (slow.length > 0)
    findings.push(`${listOf(slow.map(({ id }) => id))} ${slow.length === 1 ? 'has' : 'have'} a bad RTT`);
  return `${who}: ${findings.length > 0 ? findings.join('; ') : calmText(present, heard)}.`;
}

/** @param {readonly Person[]} present of whom nothing is wrong @param {readonly Heard[]} heard */
function calmText(present, heard) {
  if (present.every(({ state }) => state === 'quiet')) return 'nothing is known of now, for their beacons are overdue';
  const isKnown = heard.some(({ stream }) => stream.level !== 'unknown');
  return isKnown ? 'everybody hears everybody well' : 'nobody says how they hear anybody';
}

/** @param {readonly Person[]} people whether nobody has two sessions */
function isOneEach(people) {
  return new Set(people.map(({ participant }) => participant)).size === people.length;
}

/** @param {Person} person whether what it last said is of now */
function isPresent({ state }) {
  return state === 'live' || state === 'quiet';
}

/** @param {readonly Person[]} people who all left */
function goneText(people) {
  const last = people.reduce((latest, { atMs }) => Math.max(latest, atMs ?? 0), 0);
  const vanished = people.filter(({ state }) => state === 'vanished').length;
  const how = vanished === 0 ? '' : `, ${formatCount(vanished)} of them without a goodbye`;
  return `Over: the last of ${plural(people.length, 'session')} ended at ${formatClock(last)}${how}. These are the last figures.`;
}

/** @param {readonly Person[]} people @returns {Heard[]} */
function heardBy(people) {
  return people
    .filter(({ state }) => state === 'live')
    .flatMap(({ id: to, streams }) => [...streams].map(([from, stream]) => ({ from, to, stream })));
}

/** @param {readonly Heard[]} heard @returns {string[]} */
function silences(heard) {
  return countBy(
    heard.filter(({ stream }) => stream.silence),
    heard,
    'from',
  ).map(({ id, count, of, first }) => {
    const whom =
      count === of ? (of === 1 ? 'is not heard' : 'is heard by nobody') : `is not heard by ${count} of ${of}`;
    return `${id} ${whom}: ${SILENCES[first.stream.silence ?? 'no_packets']}`;
  });
}

/** @param {readonly Heard[]} heard @returns {string[]} */
function uplinks(heard) {
  return limited(countBy(bySide(heard, 'publisher'), heard, 'from')).map(
    ({ id, count, of }) => `${id} is heard badly by ${count} of ${of}: its own uplink`,
  );
}

/** @param {readonly Heard[]} heard @returns {string[]} */
function downlinks(heard) {
  return limited(countBy(bySide(heard, 'receiver'), heard, 'to')).map(
    ({ id, count, of }) => `${id} hears ${count} of ${of} badly: its own downlink`,
  );
}

/** @param {readonly Heard[]} heard @param {readonly Person[]} people @returns {string[]} */
function servers(heard, people) {
  const hit = new Set(bySide(heard, 'server').map(({ to }) => to));
  if (hit.size === 0) return [];
  const names = new Set(people.filter(({ id }) => hit.has(id)).map(({ server }) => server));
  return [
    `${plural(hit.size, 'session')} hurt by ${names.size === 1 ? `the server ${[...names][0]}` : `servers: ${[...names].join(', ')}`}`,
  ];
}

/** @param {readonly Heard[]} heard @param {NonNullable<Stream['side']>} side */
function bySide(heard, side) {
  return heard.filter(({ stream }) => stream.side === side && !stream.silence);
}

/**
 * @param {readonly Heard[]} some of the streams
 * @param {readonly Heard[]} all
 * @param {'from' | 'to'} end of a stream by which they are counted
 */
function countBy(some, all, end) {
  const ids = [...new Set(some.map((one) => one[end]))];
  const counted = ids.map((id) => {
    const own = some.filter((one) => one[end] === id);
    return {
      id,
      count: own.length,
      of: all.filter((one) => one[end] === id).length,
      first: /** @type {Heard} */ (own[0]),
    };
  });
  return counted.sort((a, b) => b.count - a.count);
}

/** @template T @param {readonly T[]} findings the gravest first */
function limited(findings) {
  return findings.slice(0, NAMED);
}

/** @param {readonly string[]} ids */
function listOf(ids) {
  const more = ids.length - NAMED;
  return more > 0 ? `${ids.slice(0, NAMED).join(', ')} and ${more} more` : ids.join(', ');
}
