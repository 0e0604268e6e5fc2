/**
 * The few things that the page does to the DOM. Text goes in as text alone: ids and labels come
 * from clients. Nodes are kept from one poll to the next and touched only where something changed.
 */
import { UNKNOWN } from './format.js';

/** @typedef {import('../verdict/levels.js').Level} Level */

/** What a mark means, for screen readers. @type {{ readonly [level: string]: readonly [mark: string, meaning: string] }} */
const MARKS = { warn: ['▲', 'over its warning'], bad: ['▲▲', 'bad'] };

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {{ readonly [attribute: string]: string }} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value);
  created.append(...children);
  return created;
}

/**
 * An element that the page has, of the kind that is expected.
 * @template {Element} E
 * @param {string} selector
 * @param {new () => E} kind
 * @param {ParentNode} [within]
 * @returns {E}
 */
export function required(selector, kind, within = document) {
  const found = within.querySelector(selector);
  if (!(found instanceof kind)) throw new TypeError(`the page has no ${selector}`);
  return found;
}

/** @param {Element} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Element} node @param {string} name @param {string | undefined} value undefined removes it */
export function setAttribute(node, name, value) {
  if (value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/**
 * A table whose rows are blocks where the page is narrow: `display` takes the roles of a table away
 * from it in some browsers, so they are said. @param {HTMLTableElement} table
 */
export function sayRoles(table) {
  table.setAttribute('role', 'table');
  for (const group of [...table.tBodies, table.tFoot]) group?.setAttribute('role', 'rowgroup');
}

/**
 * A table cell with a figure: the figure, and before it a mark when it is over a threshold, so that
 * colour is never the only sign.
 * @param {string} [label] what the figure is, shown beside it where the table has no room for a head
 */
export function createFigure(label) {
  const mark = element('span', { class: 'mark' });
  const value = element('span', { class: 'value' }, UNKNOWN);
  const cell = element('td', { class: 'figure', role: 'cell', ...(label ? { 'data-label': label } : {}) }, mark, value);
  return {
    cell,
    /** @param {string} text @param {Level} [level] */
    set(text, level) {
      setText(value, text);
      const [sign = '', meaning] = MARKS[level ?? ''] ?? [];
      setText(mark, sign);
      setAttribute(mark, 'role', meaning && 'img');
      setAttribute(mark, 'aria-label', meaning);
      setAttribute(cell, 'data-level', level);
    },
  };
}

/**
 * Makes the parts after a node those of `items`, in their order, and keeps the ones that stay.
 * @template T
 * @template {{ readonly node: Element }} Part
 * @param {Map<string, Part>} parts by key; kept between calls
 * @param {{ readonly after: Element, readonly items: readonly T[], readonly keyOf: (item: T) => string, readonly create: (item: T) => Part }} plan
 * @returns {Part[]}
 */
export function reconcile(parts, { after, items, keyOf, create }) {
  const wanted = new Map(items.map((item) => [keyOf(item), item]));
  for (const [key, { node }] of parts) {
    if (wanted.has(key)) continue;
    node.remove();
    parts.delete(key);
  }
  let previous = after;
  const placed = [];
  for (const [key, item] of wanted) {
    const part = parts.get(key) ?? create(item);
    parts.set(key, part);
    placed.push(part);
    if (previous.nextElementSibling !== part.node) previous.after(part.node);
    previous = part.node;
  }
  return placed;
}
