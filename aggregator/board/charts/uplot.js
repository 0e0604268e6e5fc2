/** uPlot, which index.html loads as a classic script: the minified build is a third of the size of the module. */

/** @type {typeof import('uplot')} */
export const uPlot = Reflect.get(globalThis, 'uPlot');
