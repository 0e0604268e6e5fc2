/** Buttons that copy a text. */
import { element, setText } from './elements.js';

const CONFIRMED_MS = 1_500;

/** @param {{ readonly label: string, readonly title: string, readonly text: () => string }} options */
export function createCopyButton({ label, title, text }) {
  // Who speaks to the computer says what stands on the button.
  const name = `${label}: ${title}`;
  const button = element('button', { type: 'button', class: 'copy', title, 'aria-label': name }, label);
  button.addEventListener('click', async () => {
    const isCopied = await copy(text());
    // Its name is read out again when it changes.
    setText(button, isCopied ? 'copied' : 'not copied');
    button.setAttribute('aria-label', isCopied ? 'copied' : 'not copied: the browser did not allow it');
    setTimeout(() => {
      setText(button, label);
      button.setAttribute('aria-label', name);
    }, CONFIRMED_MS);
  });
  return button;
}

/** @param {string} text @returns {Promise<boolean>} whether it is in the clipboard */
async function copy(text) {
  // Browsers have a clipboard for pages on https and localhost alone; a board may be on neither.
  if (!navigator.clipboard) return copySelected(text);
  return navigator.clipboard.writeText(text).then(
    () => true,
    () => copySelected(text),
  );
}

/** @param {string} text */
function copySelected(text) {
  const focused = document.activeElement;
  const area = element('textarea', { class: 'unseen', 'aria-hidden': 'true' }, text);
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}
