/** Figures as text. Unknown is a dash and zero is 0, everywhere. */

export const UNKNOWN = '–';

/** @typedef {number | undefined} Known a figure, or undefined: unknown */

/** @param {Known} value */
export function formatCount(value) {
  return value === undefined ? UNKNOWN : String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** @param {Known} seconds @returns {string} in ms, for a place that names the unit itself */
export function bareMs(seconds) {
  return formatCount(seconds === undefined ? undefined : seconds * 1000);
}

/** @param {Known} ratio 0 to 1 @returns {string} in per cent, for a place that names the unit itself */
export function barePercent(ratio) {
  return bareRate(ratio === undefined ? undefined : ratio * 100);
}

/** @param {Known} rate @returns {string} one decimal where it says something; what is not zero never looks like it */
export function bareRate(rate) {
  if (rate === undefined) return UNKNOWN;
  if (rate === 0) return '0';
  if (rate < 0.05) return '< 0.1';
  return rate < 9.95 ? rate.toFixed(1) : formatCount(rate);
}

/** @param {Known} seconds @returns {string} `312 ms` */
export function formatSeconds(seconds) {
  return withUnit(bareMs(seconds), ' ms');
}

/** @param {Known} ratio 0 to 1 @returns {string} `2.1 %` */
export function formatRatio(ratio) {
  return withUnit(barePercent(ratio), ' %');
}

/** @param {Known} rate @returns {string} `8.9/s` */
export function formatPerSecond(rate) {
  return withUnit(bareRate(rate), '/s');
}

/** @param {string} figure @param {string} unit */
function withUnit(figure, unit) {
  return figure === UNKNOWN ? figure : figure + unit;
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const ZONE = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' });

/** @param {number} atMs @returns {string} the reader's wall clock, `03:12:05` */
export function formatClock(atMs) {
  return CLOCK.format(atMs);
}

/** @param {number} atMs @returns {string} the zone of that clock, `GMT+8` */
export function formatZone(atMs) {
  return ZONE.formatToParts(atMs).find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

/** @param {number} count @param {string} noun @returns {string} `1 session`, `2 sessions` */
export function plural(count, noun) {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** @typedef {{ readonly url: string, readonly type: string }} ServerLabels */

/** @param {ServerLabels} server @returns {string} without the scheme that its type usually has */
export function formatPlace({ url, type }) {
  if (url === 'other') return 'other servers';
  const usual = type === 'websocket' ? 'wss://' : 'https://';
  return url.startsWith(usual) ? url.slice(usual.length) : url;
}

/** @param {ServerLabels} server @returns {string} `websocket media-1.example.com` */
export function formatServer(server) {
  // What has no server yet has no type either; both labels are then the same word.
  return server.url === 'none' ? 'no server elected' : `${server.type} ${formatPlace(server)}`;
}

/**
 * Without the domain that all hosts share, which leaves no room for what tells them apart; a single host without its last
 * two names.
 * @param {readonly string[]} urls of all servers
 * @returns {(text: string) => string} shortens a text that ends with one of their hosts
 */
export function shortenHosts(urls) {
  const hosts = [...new Set(urls.flatMap((url) => (URL.canParse(url) ? new URL(url).hostname : [])))];
  const [first = '', ...others] = hosts;
  const ends = first.split('.').map((_, i, parts) => `.${parts.slice(i).join('.')}`);
  const isShared = (/** @type {string} */ end) => others.every((host) => host.endsWith(end));
  const shared = others.length === 0 ? ends.slice(1).at(-2) : ends.find((end, i) => i > 0 && isShared(end));
  return (text) => (shared && text.endsWith(shared) ? text.slice(0, -shared.length) : text);
}

/** @param {import('../../http/answers.ts').Overview['regions']} regions @returns {string[]} of all servers that somebody is on */
export function serverUrls(regions) {
  return regions.flatMap(({ live }) => live?.servers.map(({ server_url: url }) => url) ?? []);
}
