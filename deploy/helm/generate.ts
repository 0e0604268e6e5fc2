/**
 * Copies the rules and dashboards into the chart, since a chart can only contain what is in its folder.
 * With `--check` it only reports whether the copies are those of today.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const DEPLOY = join(import.meta.dirname, '..');
const FILES = join(import.meta.dirname, 'edgepulse', 'files');
const SOURCES = { rules: join(DEPLOY, 'prometheus', 'rules'), dashboards: join(DEPLOY, 'grafana', 'dashboards') };

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

for (const [name, source] of Object.entries(SOURCES)) {
  const folder = join(FILES, name);
  const [wanted, stored] = [readFolder(source), readFolder(folder)];
  const differing = [...new Set([...wanted.keys(), ...stored.keys()])].filter(
    (file) => wanted.get(file) !== stored.get(file),
  );
  if (differing.length === 0) continue;
  if (values.check) {
    console.error(`out of date in deploy/helm/edgepulse/files/${name}: ${differing.join(', ')}. Run "npm run chart"`);
    process.exitCode = 1;
  } else {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const [file, text] of wanted) writeFileSync(join(folder, file), text);
  }
}

function readFolder(folder: string): Map<string, string> {
  try {
    return new Map(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw error;
  }
}
