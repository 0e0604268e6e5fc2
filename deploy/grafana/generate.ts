/**
 * The dashboards as Grafana reads them, from the definitions in source/.
 * `node deploy/grafana/generate.ts` writes dashboards/; with `--check` it only says whether they are up to date.
 * `--board URL` and `--out FOLDER` write dashboards of one's own, whose links open that board.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOptions } from '../../dev/options.ts';
import { createDashboard, DEFAULT_BOARD } from './source/dashboard.ts';
import { ITSELF_DASHBOARD } from './source/itself.ts';
import { NETEQ_DASHBOARD } from './source/neteq.ts';
import { PARTICIPATION_DASHBOARD } from './source/participation.ts';
import { RTT_DASHBOARD } from './source/rtt.ts';

const DASHBOARDS = [RTT_DASHBOARD, NETEQ_DASHBOARD, PARTICIPATION_DASHBOARD, ITSELF_DASHBOARD];
const FOLDER = join(import.meta.dirname, 'dashboards');

const values = readOptions({
  name: 'npm run dashboards',
  summary: "Writes Grafana's dashboards.",
  options: { check: { type: 'boolean', default: false }, board: { type: 'string' }, out: { type: 'string' } },
  help: {
    board: 'URL: where the board is, for the links of the dashboards',
    out: 'FOLDER: write the files there',
    check: 'only report whether the files are up to date',
  },
});
const board = values.board ?? DEFAULT_BOARD;
const folder = values.out ?? FOLDER;
const files = new Map(
  DASHBOARDS.map((options) => [`${options.uid}.json`, `${JSON.stringify(createDashboard(options, board), null, 2)}\n`]),
);

if (values.check) {
  const stored = new Map(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
  const differing = [...new Set([...files.keys(), ...stored.keys()])].filter(
    (name) => files.get(name) !== stored.get(name),
  );
  if (differing.length > 0) {
    console.error(`out of date in deploy/grafana/dashboards: ${differing.join(', ')}. Run "npm run dashboards"`);
    process.exitCode = 1;
  }
} else {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
}
