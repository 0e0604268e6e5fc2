/** The worst sessions, by the figure and in the region that the address has. */
import { element, required, setText } from '../page/elements.js';
import { fetchWorst } from '../page/source.js';
import { createWorstTable, WORST_LIMIT } from './worst-table.js';

/** @typedef {import('../../http/answers.ts').Overview} Overview */
/** @typedef {import('../page/address.js').Address} Address */

/** The most that the page asks for. */
const LIMIT_MAX = 100;
const DEFAULT_SORT = 'rtt';

/** @param {HTMLElement} section @param {Address} address */
export function createWorst(section, address) {
  const state = required('#worst-state', HTMLElement, section);
  const sorts = required('#worst-sort', HTMLFieldSetElement, section);
  const table = createWorstTable(required('table', HTMLTableElement, section), address);
  /** Number of the newest question: an older answer comes too late. */
  let asked = 0;
  sorts.addEventListener('change', () => {
    const { value } = required('input:checked', HTMLInputElement, sorts);
    address.change({ sort: value === DEFAULT_SORT ? '' : value });
  });

  return {
    /** @param {Overview} overview */
    async update(overview) {
      const question = ++asked;
      const { region, sort } = address.current();
      const chosen = sorts.querySelector(`[value="${sort || DEFAULT_SORT}"]`);
      const radio = chosen instanceof HTMLInputElement ? chosen : required('input', HTMLInputElement, sorts);
      radio.checked = true;
      const silent = new Set(overview.regions.flatMap(({ region: name, feed }) => (feed.up ? [] : [name])));
      // Sessions of a region that is no longer heard are still listed for a while; others are behind them.
      const limit = silent.size === 0 ? WORST_LIMIT : LIMIT_MAX;
      const { sessions, failure } = await fetchWorst({ sort: radio.value, region, limit }).then(
        (found) => ({ sessions: found, failure: undefined }),
        (error) => ({ sessions: [], failure: error instanceof Error ? error.message : String(error) }),
      );
      if (question !== asked) return;
      const heard = sessions.filter((session) => !silent.has(session.region));
      table.update(heard, overview);
      const none = silent.has(region) || sessions.length > 0 ? 'No feed from there.' : 'No session with this figure.';
      setText(state, failure ?? (heard.length > 0 ? '' : none));
    },
  };
}

/** A choice of a region, of which the page has several. @param {HTMLSelectElement} select @param {Address} address */
export function createRegionChoice(select, address) {
  select.addEventListener('change', () => address.change({ region: select.value }));
  return {
    /** @param {Overview} overview */
    update({ regions }) {
      const known = new Set([...select.options].map(({ value }) => value));
      for (const { region } of regions) {
        if (!known.has(region)) select.append(element('option', { value: region }, region));
      }
      select.value = address.current().region;
    },
  };
}
