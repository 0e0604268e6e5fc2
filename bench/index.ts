/** `npm run bench -- <name>`: runs `bench/<name>.ts`, which exports `run(args)`. */
import { readdir } from 'node:fs/promises';

const [name, ...args] = process.argv.slice(2);
const files = await readdir(import.meta.dirname);
const helpers = ['index.ts', 'baseline.ts', 'load.ts'];
const names = files.filter((file) => file.endsWith('.ts') && !helpers.includes(file)).map((file) => file.slice(0, -3));

if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- <${names.join('|')}>`);
  process.exitCode = 2;
} else {
  const bench: { run(args: string[]): Promise<void> } = await import(`./${name}.ts`);
  await bench.run(args);
}
