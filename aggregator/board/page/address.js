/**
 * What is chosen on the page stands in its address, so that a link shows somebody else the same, and the back button
 * undoes a choice.
 */

/**
 * Texts, empty when nothing is chosen: `region` of the charts and the worst sessions, `sort` of the latter, `measure` the
 * chart that is large, `meeting` and `session` what is looked up.
 * @typedef {{ readonly region: string, readonly sort: string, readonly measure: string, readonly meeting: string, readonly session: string }} Choice
 */

/**
 * `change` is a step that the back button undoes; `correct` says better what is chosen already. `link` is the page's address with other choices, without a login.
 * @typedef {{
 *   current(): Choice,
 *   change(choice: Partial<Choice>): void,
 *   correct(choice: Partial<Choice>): void,
 *   link(choice?: Partial<Choice>): string,
 *   onChange(listener: (choice: Choice) => void): void,
 * }} Address
 */

const NAMES = /** @type {const} */ (['region', 'sort', 'measure', 'meeting', 'session']);
/** As ids, regions and measures are: what is anything else was not written by this page. */
const VALUE = /^[A-Za-z0-9_.-]{1,64}$/;

/** @param {string} search @returns {Choice} */
export function readChoice(search) {
  const query = new URLSearchParams(search);
  const chosen = (/** @type {string} */ name) => {
    const value = query.get(name) ?? '';
    return VALUE.test(value) ? value : '';
  };
  return {
    region: chosen('region'),
    sort: chosen('sort'),
    measure: chosen('measure'),
    meeting: chosen('meeting'),
    session: chosen('session'),
  };
}

/** @param {Choice} choice @returns {string} empty, or with its question mark; the same choice is always the same text */
export function writeChoice(choice) {
  const query = new URLSearchParams(NAMES.flatMap((name) => (choice[name] ? [[name, choice[name]]] : [])));
  return query.size === 0 ? '' : `?${query}`;
}

/** @returns {Address} */
export function createAddress() {
  /** @type {((choice: Choice) => void)[]} */
  const listeners = [];
  const current = () => readChoice(location.search);
  const tell = () => {
    for (const listener of listeners) listener(current());
  };
  addEventListener('popstate', tell);
  return {
    current,
    change(choice) {
      const search = writeChoice({ ...current(), ...choice });
      if (search === writeChoice(current())) return;
      window.history.pushState(null, '', search || location.pathname);
      tell();
    },
    correct(choice) {
      window.history.replaceState(null, '', writeChoice({ ...current(), ...choice }) || location.pathname);
    },
    link: (choice = {}) => new URL(location.pathname + writeChoice({ ...current(), ...choice }), location.origin).href,
    onChange: (listener) => void listeners.push(listener),
  };
}
