/**
 * How the aggregator is started in production: `node aggregator`. Plain JavaScript, because a Node that can't run
 * TypeScript would answer main.ts with ERR_UNKNOWN_FILE_EXTENSION and not with what is needed.
 */
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const needed = Number(/\d+/.exec(engines.node)?.[0]);

if (Number(process.versions.node.split('.')[0]) >= needed) {
  await import('./main.ts');
} else {
  process.stderr.write(`aggregator: needs Node ${needed} or newer, and this is ${process.version}\n`);
  process.exitCode = 1;
}
