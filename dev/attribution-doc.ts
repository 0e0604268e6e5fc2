/**
 * Writes the measured tables into docs/attribution.md, between their two markers; with `--check` it only reports whether
 * they are up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { measureAttribution } from './attribution/report.ts';

const FILE = new URL('../docs/attribution.md', import.meta.url);
const TABLES = /(<!-- measured: [^\n]*-->\n).*?(\n<!-- end of measured -->)/s;

const before = readFileSync(FILE, 'utf8');
if (!TABLES.test(before)) throw new Error('docs/attribution.md has lost the markers around its tables');
const after = before.replace(
  TABLES,
  (_, start: string, end: string) => `${start}\n${measureAttribution().tables}\n${end}`,
);
if (!process.argv.includes('--check')) {
  writeFileSync(FILE, after);
} else if (before !== after) {
  console.error('docs/attribution.md is out of date: run "npm run attribution-doc"');
  process.exitCode = 1;
}
