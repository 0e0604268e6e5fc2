/**
 * The colours of the charts, which style/charts.css has for light and dark: a canvas can't use them by itself. Lines differ
 * in width and dashes too, and the hues are Okabe and Ito's, which colour-blind people can tell apart.
 */

/** @typedef {import('./panels.js').LineStyle} LineStyle */
/** @typedef {{ readonly stroke: string, readonly width: number, readonly dash: number[], readonly fill?: string }} Pen */
/** @typedef {{ readonly pens: { readonly [S in LineStyle]: Pen }, readonly text: string, readonly grid: string, readonly warn: string, readonly bad: string, readonly hole: string }} Palette */

/** @returns {Palette} */
export function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    pens: {
      main: { stroke: colour('chart-main'), width: 2, dash: [] },
      middle: { stroke: colour('chart-middle'), width: 1.25, dash: [] },
      extreme: { stroke: colour('chart-middle'), width: 1.25, dash: [4, 3] },
      bad: { stroke: colour('chart-bad'), width: 2, dash: [], fill: colour('chart-bad-ground') },
      quiet: { stroke: colour('quiet'), width: 1.25, dash: [4, 3] },
    },
    text: colour('quiet'),
    grid: colour('faint'),
    warn: colour('warn'),
    bad: colour('bad'),
    hole: colour('chart-hole'),
  };
}

/** @param {() => void} onChange the system turned light or dark */
export function onPaletteChange(onChange) {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', onChange);
}
