/**
 * Reads Prometheus' text format 0.0.4 into samples by name. What they mean is snapshot.js's.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */

/** @typedef {{ readonly labels: ReadonlyMap<string, string>, readonly value: number }} Sample */
/** @typedef {ReadonlyMap<string, readonly Sample[]>} Families samples by their name, in the order of the text */

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/y;
/** The value, and a timestamp that may follow it. */
const VALUE = /^ +(\S+)(?: +-?\d+)?$/;
/** @type {{ readonly [text: string]: number }} */
const SPECIAL = { '+Inf': Infinity, '-Inf': -Infinity, NaN };

/**
 * @param {string} text
 * @returns {Families}
 * @throws {SyntaxError} on a line that the format does not allow: half of the truth is not shown
 */
export function parseMetricsText(text) {
  /** @type {Map<string, Sample[]>} */
  const families = new Map();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const name = take(NAME, line, 0)?.[0];
    if (name === undefined) throw broken(line);
    const { labels, end } = readLabels(line, name.length);
    const number = VALUE.exec(line.slice(end))?.[1] ?? '';
    const value = SPECIAL[number] ?? Number(number || 'no number');
    if (Number.isNaN(value) && number !== 'NaN') throw broken(line);
    const samples = families.get(name);
    if (samples) samples.push({ labels, value });
    else families.set(name, [{ labels, value }]);
  }
  return families;
}

/**
 * @param {string} line
 * @param {number} start where the name ends
 */
function readLabels(line, start) {
  /** @type {Map<string, string>} */
  const labels = new Map();
  if (line[start] !== '{') return { labels, end: start };
  let at = start + 1;
  while (line[at] !== '}') {
    const label = take(LABEL, line, at);
    if (!label) throw broken(line);
    labels.set(label[1] ?? '', unescapeValue(label[2] ?? ''));
    at = LABEL.lastIndex;
    if (line[at] === ',') at += 1;
    else if (line[at] !== '}') throw broken(line);
  }
  return { labels, end: at + 1 };
}

/** @param {string} value */
function unescapeValue(value) {
  if (!value.includes('\\')) return value;
  return value.replace(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped));
}

/**
 * @param {RegExp} pattern sticky
 * @param {string} text
 * @param {number} at
 */
function take(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** @param {string} line */
function broken(line) {
  return new SyntaxError(`not a line of the text format: ${line.slice(0, 120)}`);
}
