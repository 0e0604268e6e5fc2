/** The look-up of one meeting or session: the field, and what was found, which is asked again with every poll. */
import { createCopyButton } from '../page/copy.js';
import { required, setAttribute, setText } from '../page/elements.js';
import { formatClock, serverUrls, shortenHosts } from '../page/format.js';
import { fetchSessions, lookupCommand } from '../page/source.js';
import { describeMeeting } from './findings.js';
import { renderMatrix } from './matrix.js';
import { readMeeting } from './meeting.js';
import { renderRoster } from './roster.js';

/** @typedef {import('../page/address.js').Address} Address */
/** @typedef {import('../page/source.js').Found} Found */
/** @typedef {import('../../http/answers.ts').Overview} Overview */
/** @typedef {{ readonly meeting: string, readonly session: string, readonly found: Found }} Hit */

/** @param {Address} address */
export function createLookup(address) {
  const section = required('#lookup', HTMLElement);
  const form = required('#find', HTMLFormElement);
  const field = required('input', HTMLInputElement, form);
  const title = required('h2', HTMLElement, section);
  const sentence = required('.sentence', HTMLElement, section);
  const matrix = required('.matrix-holder', HTMLElement, section);
  const roster = required('.roster-holder', HTMLElement, section);
  /** Number of the newest question: an older answer comes too late. */
  let asked = 0;
  let drawn = '';

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const id = field.value.trim();
    if (id) address.change({ meeting: id, session: '' });
    title.focus();
  });
  required('.close', HTMLButtonElement, section).addEventListener('click', () => {
    address.change({ meeting: '', session: '' });
    field.focus();
  });
  required('.copies', HTMLElement, section).append(
    createCopyButton({ label: 'link', title: 'Copy a link to this', text: () => address.link() }),
    createCopyButton({ label: 'id', title: 'Copy the meeting id', text: () => address.current().meeting }),
    createCopyButton({
      label: 'curl',
      title: 'Copy the command that asks the API for this',
      text: () => lookupCommand({ meeting_id: address.current().meeting }),
    }),
  );

  /** @param {Overview} overview */
  async function update(overview) {
    const choice = address.current();
    const question = ++asked;
    section.hidden = !isAsked(choice);
    if (section.hidden) return;
    const name = choice.meeting || choice.session;
    if (field !== document.activeElement) field.value = choice.session || choice.meeting;
    const hit = await lookUp(choice).catch((error) => (error instanceof Error ? error.message : String(error)));
    if (question !== asked) return;
    if (typeof hit === 'string' || isEmpty(hit.found)) {
      showNothing(name, typeof hit === 'string' ? hit : nothingText(hit.found));
      return;
    }
    show(hit, overview);
  }

  /** @param {string} name @param {string} why */
  function showNothing(name, why) {
    setText(title, name);
    setText(sentence, why);
    matrix.replaceChildren();
    roster.replaceChildren();
    drawn = '';
  }

  /** @param {Hit} hit @param {Overview} overview */
  function show({ meeting: id, session, found }, { objectives, regions }) {
    address.correct({ meeting: id, session });
    const meeting = readMeeting(found.sessions, found.ended, objectives);
    setText(title, `Meeting ${id}`);
    setText(sentence, describeMeeting(meeting));
    const linkOf = (/** @type {import('./meeting.js').Person} */ person) =>
      address.link({ meeting: id, session: person.id });
    const context = { objectives, chosen: session, linkOf, shorten: shortenHosts(serverUrls(regions)) };
    keepFocus(roster, () => roster.replaceChildren(renderRoster(meeting, context)));
    const table = renderMatrix(meeting, session);
    // Ten thousand cells are not laid out again when none of them changed.
    if (table.outerHTML === drawn) return;
    drawn = table.outerHTML;
    matrix.replaceChildren(table);
    setAttribute(matrix, 'aria-label', `Who hears whom in meeting ${id}`);
  }

  return { update, focusTitle: () => title.focus() };
}

/** @param {{ readonly meeting: string, readonly session: string }} choice */
function isAsked({ meeting, session }) {
  return meeting !== '' || session !== '';
}

/**
 * What was typed may be the id of a meeting or of a session; of a session, its meeting is shown.
 * @param {{ readonly meeting: string, readonly session: string }} choice
 * @returns {Promise<Hit>}
 */
async function lookUp({ meeting, session }) {
  const found = meeting ? await fetchSessions({ meeting_id: meeting }) : undefined;
  if (found && !isEmpty(found)) return { meeting, session, found };
  const id = session || meeting;
  const alone = await fetchSessions({ session_id: id });
  const its = (alone.sessions[0] ?? alone.ended[0])?.meeting_id;
  if (its === undefined) return { meeting, session, found: alone };
  return { meeting: its, session: id, found: await fetchSessions({ meeting_id: its }) };
}

/** @param {Found} found */
function isEmpty({ sessions, ended }) {
  return sessions.length === 0 && ended.length === 0;
}

/** @param {Found} found */
function nothingText({ reachMs }) {
  const since =
    reachMs === undefined ? '' : ` since ${formatClock(reachMs)}, which is as far as this aggregator remembers`;
  return `No meeting or session with this id is in a call, or has ended${since}.`;
}

/** Renders anew what may have the focus, and gives it back. @param {HTMLElement} within @param {() => void} render */
function keepFocus(within, render) {
  const { activeElement } = document;
  const places = () => [...within.querySelectorAll('a, button')];
  const index = activeElement ? places().indexOf(activeElement) : -1;
  render();
  const place = places()[index];
  if (place instanceof HTMLElement) place.focus({ preventScroll: true });
}
