/**
 * Writes Prometheus' rules, Alertmanager's configuration and the table in docs/runbook.md, from the definitions in source/.
 * With `--check` it only reports whether they are up to date. `--runbook URL` and `--out FOLDER` write files of one's own
 * whose alerts lead to that runbook.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readOptions } from '../../dev/options.ts';
import { alertTable, createFiles, DEFAULT_RUNBOOK } from './source/files.ts';

const RUNBOOK = join(import.meta.dirname, '..', '..', 'docs', 'runbook.md');
const TABLE = /(<!-- alerts: [^\n]*-->\n).*?(\n<!-- end of alerts -->)/s;

const values = readOptions({
  name: 'npm run rules',
  summary: "Writes Prometheus' rules, Alertmanager's configuration and the table in docs/runbook.md.",
  options: { check: { type: 'boolean', default: false }, runbook: { type: 'string' }, out: { type: 'string' } },
  help: {
    runbook: 'URL: where docs/runbook.md is shown, for the links of the alerts',
    out: 'FOLDER: write the files there, and not the table',
    check: 'only report whether the files are up to date',
  },
});

const folder = values.out ?? import.meta.dirname;
const files = new Map<string, string>(
  [...createFiles(values.runbook ?? DEFAULT_RUNBOOK)].map(([name, text]) => [join(folder, name), text]),
);
if (values.out === undefined) files.set(RUNBOOK, withTable(readFileSync(RUNBOOK, 'utf8')));

for (const [path, text] of files) {
  if (!values.check) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  } else if (stored(path) !== text) {
    console.error(`${path} is out of date: run "npm run rules"`);
    process.exitCode = 1;
  }
}

function withTable(text: string): string {
  if (!TABLE.test(text)) throw new Error('docs/runbook.md has lost the markers around its table');
  return text.replace(TABLE, (_, start: string, end: string) => `${start}\n${alertTable()}\n${end}`);
}

function stored(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
