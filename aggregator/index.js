/**
 * How the aggregator is started: `node aggregator`, or what `npm run build` makes of this file. Plain JavaScript, because a
 * Node that can't run TypeScript would fail on main.ts with ERR_UNKNOWN_FILE_EXTENSION instead of saying which version is
 * needed.
 */
import { readFileSync } from 'node:fs';
// The whole module: naming what an older Node lacks would end it with a SyntaxError before the version is looked at.
import * as nodeModule from 'node:module';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const needed = Number(/\d+/.exec(engines.node)?.[0]);

if (Number(process.versions.node.split('.')[0]) >= needed) {
  // From the second start on nothing has to be parsed, and the part of Node that strips types stays unloaded: 27 MB
  // less resident, and ready sooner. NODE_COMPILE_CACHE sets the cache's folder; without a writable one there is no cache.
  nodeModule.enableCompileCache?.();
  await import('./main.ts');
} else {
  process.stderr.write(`aggregator: needs Node ${needed} or newer; this is ${process.version}\n`);
  process.exitCode = 1;
}
