/** The verdict at the head of the page, and what limits it: no answer from the aggregator, or figures of a part alone. */
import { required, setAttribute, setText } from '../page/elements.js';
import { formatClock } from '../page/format.js';
import { partText } from './part.js';
import { reachVerdict } from './verdict.js';

/** @typedef {import('../../http/answers.ts').Overview} Overview */
/** @typedef {import('./verdict.js').Verdict} Verdict */
/** @typedef {{ readonly overview: Overview, readonly atMs: number }} Answer the last one that came, and when */

const LEVEL_WORDS = { unknown: 'Unknown', ok: 'Fine', warn: 'Warning', bad: 'Bad' };

/** @param {{ readonly pollMs: number, readonly staleMs: number }} times how often is asked, and after which time an answer is not of now */
export function createBanner({ pollMs, staleMs }) {
  const page = document.documentElement;
  const verdict = required('#verdict', HTMLElement);
  const level = required('#verdict-level', HTMLElement);
  const text = required('#verdict-text', HTMLElement);
  const outage = required('#outage', HTMLElement);
  const part = required('#part', HTMLElement);
  const announcement = required('#announcement', HTMLElement);

  /** @param {Verdict} reached */
  function show(reached) {
    setAttribute(verdict, 'data-level', reached.level);
    setText(level, LEVEL_WORDS[reached.level]);
    setText(text, reached.sentence);
    // Read out only when the situation changes, not with every figure.
    setText(announcement, `${LEVEL_WORDS[reached.level]}: ${reached.headline}`);
    document.title = `${LEVEL_WORDS[reached.level]}: ${reached.headline} \u2013 edgepulse`;
  }

  return {
    /**
     * @param {Answer | undefined} latest
     * @param {string | undefined} failure why the last poll brought none; without one, an answer may be old all the same,
     *   for example after a laptop's sleep
     */
    update(latest, failure) {
      const isStale = latest !== undefined && Date.now() - latest.atMs > staleMs;
      if (latest && failure === undefined && !isStale) {
        page.dataset.state = 'live';
        outage.hidden = true;
        const partial = partText(latest.overview);
        part.hidden = partial === '';
        setText(part, partial);
        show(reachVerdict(latest.overview));
        return;
      }
      if (failure === undefined && !isStale) return;
      page.dataset.state = latest ? 'stale' : 'empty';
      const why = capitalize(failure ?? 'no answer yet');
      const then = latest
        ? `The figures below are of ${formatClock(latest.atMs)} and are not true of now.`
        : 'Nothing was heard yet.';
      setText(outage, `Asking again every ${pollMs / 1000} s.`);
      outage.hidden = false;
      show({ level: 'unknown', headline: 'no answer', sentence: `${why}. ${then}` });
    },
  };
}

/** @param {string} text */
function capitalize(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
