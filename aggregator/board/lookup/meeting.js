/** A meeting, or one session of it, as it was looked up: who is or was in it, and who hears whom how. Pure. */
import { formatPerSecond, formatRatio, formatServer } from '../page/format.js';
import { LEVELS, levelOf } from '../verdict/levels.js';

/** @typedef {import('../../http/answers.ts').WorstSession} LivingSession */
/** @typedef {import('../../http/answers.ts').EndedSession} EndedSession */
/** @typedef {import('../../http/answers.ts').WorstPeer} Peer */
/** @typedef {import('../verdict/levels.js').Level} Level */
/** @typedef {import('../verdict/levels.js').Objectives} Objectives */

/**
 * `state`: `left`: said goodbye; `vanished`: ended without; `quiet`: still counted, but its beacons are overdue.
 * `atMs`: when it ended. `ageSeconds`: of its newest beacon, while it lives.
 * @typedef {{
 *   readonly id: string,
 *   readonly participant: string,
 *   readonly meeting: string,
 *   readonly region: string,
 *   readonly server: string,
 *   readonly rtt: number | undefined,
 *   readonly uplinkLoss: number | undefined,
 *   readonly impaired: readonly string[],
 *   readonly streams: ReadonlyMap<string, Stream>,
 *   readonly state: 'live' | 'quiet' | 'left' | 'vanished',
 *   readonly atMs: number | undefined,
 *   readonly ageSeconds: number | undefined,
 * }} Person
 */

/**
 * What somebody receives from somebody: `figures` in words, those that are past an objective first.
 * @typedef {{
 *   readonly level: Level,
 *   readonly figures: readonly { readonly name: string, readonly text: string, readonly level: Level }[],
 *   readonly side: import('../../http/answers.ts').WorstPeer['side'],
 *   readonly silence: import('../../http/answers.ts').WorstPeer['silence'],
 * }} Stream
 */

/** `senders`: everybody whom somebody receives, and everybody else. @typedef {{ readonly people: readonly Person[], readonly senders: readonly string[] }} Meeting */

/**
 * @param {readonly LivingSession[]} living
 * @param {readonly EndedSession[]} ended
 * @param {Objectives} objectives
 * @returns {Meeting} in an order that stays the same from poll to poll; who lives comes first
 */
export function readMeeting(living, ended, objectives) {
  const alive = new Map(living.map((session) => [session.session_id, livingPerson(session, objectives)]));
  /** @type {Map<string, Person>} */
  const gone = new Map();
  // Newest first: of somebody who came and went several times, the last time counts.
  for (const session of ended) {
    if (alive.has(session.session_id) || gone.has(session.session_id)) continue;
    gone.set(session.session_id, endedPerson(session, objectives));
  }
  const byId = (/** @type {Person} */ a, /** @type {Person} */ b) => (a.id < b.id ? -1 : 1);
  const people = [...[...alive.values()].sort(byId), ...[...gone.values()].sort(byId)];
  const known = new Set(people.map(({ id }) => id));
  const strangers = new Set(people.flatMap(({ streams }) => [...streams.keys()].filter((id) => !known.has(id))));
  return { people, senders: [...known, ...[...strangers].sort()] };
}

/** @param {LivingSession} session @param {Objectives} objectives @returns {Person} */
function livingPerson(session, objectives) {
  const state = session.quiet ? 'quiet' : 'live';
  return { ...personOf(session, objectives), state, atMs: undefined, ageSeconds: session.last_beacon_age_seconds };
}

/** @param {EndedSession} session @param {Objectives} objectives @returns {Person} */
function endedPerson(session, objectives) {
  const state = session.reason === 'stale' ? 'vanished' : 'left';
  return { ...personOf(session, objectives), state, atMs: session.ended_ms, ageSeconds: undefined };
}

/** @param {LivingSession | EndedSession} session @param {Objectives} objectives */
function personOf(session, objectives) {
  return {
    id: session.session_id,
    participant: session.participant_id,
    meeting: session.meeting_id,
    region: session.region,
    server: formatServer({ url: session.server_url, type: session.server_type }),
    rtt: session.rtt_seconds,
    uplinkLoss: session.uplink_packet_loss_ratio,
    impaired: session.impaired,
    streams: new Map(session.peers.map((peer) => [peer.peer_id, readStream(peer, objectives)])),
  };
}

/** @param {Peer} peer @param {Objectives} objectives @returns {Stream} */
export function readStream(peer, objectives) {
  const known = [
    figure('loss', formatRatio, [peer.audio_packet_loss_ratio, objectives.audio_packet_loss]),
    figure('conceal.', formatRatio, [peer.concealment_ratio, objectives.concealment]),
    figure('expand', formatPerSecond, [peer.expand_operations_per_second, objectives.expand]),
    figure('video loss', formatRatio, [peer.video_packet_loss_ratio, objectives.video_packet_loss]),
    figure('freeze', formatRatio, [peer.video_freeze_ratio, objectives.video_freeze]),
  ].flat();
  const rank = (/** @type {{ readonly level: Level }} */ { level }) => LEVELS.indexOf(level);
  const figures = known.sort((a, b) => rank(b) - rank(a));
  const level = peer.silence ? 'bad' : (figures[0]?.level ?? 'unknown');
  return { level, figures, side: peer.side, silence: peer.silence };
}

/**
 * @param {string} name
 * @param {(value: number) => string} format
 * @param {readonly [value: number | undefined, objective: import('../verdict/levels.js').Objective]} judged
 */
function figure(name, format, [value, objective]) {
  return value === undefined ? [] : [{ name, text: format(value), level: levelOf(objective, value) }];
}

/** @param {Stream} stream */
export function isBad({ level }) {
  return level === 'bad';
}

/** Why nothing is heard, in words. */
export const SILENCES = { no_packets: 'no packets arrive', no_energy: 'its packets carry silence' };

/** Whose fault, in words as short as a cell needs them, and in a letter. */
export const SIDES = {
  server: { words: 'server', letter: 'S' },
  publisher: { words: 'sender’s uplink', letter: 'U' },
  receiver: { words: 'own downlink', letter: 'D' },
  unknown: { words: 'side unknown', letter: '?' },
};

/** @param {Stream} stream @returns {string} `loss 12 %, conceal. 8.0 %; sender’s uplink` */
export function streamText({ level, figures, side, silence }) {
  if (silence) return `silent: ${SILENCES[silence]}`;
  if (level === 'unknown') return 'not known';
  const worst = figures.filter((figure) => figure.level === level);
  const shown = (level === 'ok' ? figures : worst).map(({ name, text }) => `${name} ${text}`).join(', ');
  return side ? `${shown}; ${SIDES[side].words}` : shown;
}
