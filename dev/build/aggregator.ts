/**
 * `npm run build` makes dist/aggregator/ (or `--out FOLDER`): the aggregator with everything that it needs beside Node, and
 * nothing that only development needs. It is started with `node dist/aggregator/main.js`.
 *
 *     main.js                     what is started
 *     package.json                its version, and the Node that it needs
 *     lib/                        the bundle, and the board's files
 *     THIRD-PARTY-LICENSES.txt    of every package that the bundle holds a part of
 *     sbom.cdx.json               the same packages as a CycloneDX SBOM
 *     LICENSE                     of edgepulse
 *
 * A wrangler.toml beside main.js is the one that ENVIRONMENT reads.
 */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type OutputChunk, rolldown } from 'rolldown';
import { readBoard, VENDORED } from '../../aggregator/http/board-files.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { licencesText } from './licences.ts';
import { type BundledPackage, packageOf } from './packages.ts';
import { sbom } from './sbom.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** The oldest Node that runs it. The sources need a newer one, which runs TypeScript. */
export const NODE_MAJOR_MIN = 22;

export type Built = {
  /** Of all JavaScript, bytes. */
  readonly codeBytes: number;
  /** What it has parts of, by name. */
  readonly packages: readonly BundledPackage[];
};

/** @param folder is replaced */
export async function buildAggregator(folder: string): Promise<Built> {
  const chunks = await bundle();
  const lib = join(folder, 'lib');
  await rm(folder, { recursive: true, force: true });
  await mkdir(lib, { recursive: true });
  for (const { fileName, code } of chunks) await writeFile(join(lib, fileName), code);
  await writeFile(join(folder, 'main.js'), "import './lib/index.js';\n");
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest(), undefined, 2)}\n`);
  await writeBoard(join(lib, 'board'));
  const packages = await bundledPackages(chunks);
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES.txt'), licencesText(packages));
  await writeFile(
    join(folder, 'sbom.cdx.json'),
    `${JSON.stringify(sbom(packageJson.version, packages), undefined, 2)}\n`,
  );
  await cp(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
  return { codeBytes: chunks.reduce((sum, { code }) => sum + Buffer.byteLength(code), 0), packages };
}

/**
 * index.js looks at Node's version before it loads the rest, so the bundle is two files. It isn't minified: whoever reads
 * a stack trace of it needs the names, and it is loaded once, from a compile cache.
 */
async function bundle(): Promise<OutputChunk[]> {
  const built = await rolldown({
    input: join(ROOT, 'aggregator', 'index.js'),
    platform: 'node',
    // The repository's refers to projects that are not in an image's build.
    tsconfig: false,
    transform: { target: `node${NODE_MAJOR_MIN}` },
    // A warning is a module that was not found, or code that means something else in a bundle.
    onLog: (_level, log) => {
      throw new Error(`bundling the aggregator: ${log.message}`);
    },
  });
  const { output } = await built.generate({ format: 'esm', comments: false, chunkFileNames: '[name].js' });
  await built.close();
  return output.filter((file) => file.type === 'chunk');
}

function manifest() {
  const { version, description, license } = packageJson;
  const engines = { node: `>=${NODE_MAJOR_MIN}` };
  return { name: 'edgepulse-aggregator', version, description, license, private: true, type: 'module', engines };
}

/** What it serves, in a folder beside the module that reads it, as in the sources. */
async function writeBoard(folder: string): Promise<void> {
  for (const [path, { body }] of readBoard(join(ROOT, 'aggregator', 'board'))) {
    const file = join(folder, path === '/' ? 'index.html' : path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, body);
  }
}

async function bundledPackages(chunks: readonly OutputChunk[]): Promise<BundledPackage[]> {
  const files = [
    ...chunks.flatMap(({ moduleIds }) => moduleIds),
    ...Object.values(VENDORED).map((path) => join(ROOT, 'node_modules', path)),
  ];
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'));
  const found = await Promise.all(files.map((file) => packageOf(file, { root: ROOT, lock })));
  const byId = new Map(found.flatMap((one) => (one ? [[`${one.name}@${one.version}`, one] as const] : [])));
  return [...byId.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: 'string', default: join(ROOT, 'dist', 'aggregator') } } });
  const folder = resolve(values.out);
  const { codeBytes, packages } = await buildAggregator(folder);
  const kilobytes = Math.round(codeBytes / 1000);
  console.log(
    `${relative(process.cwd(), folder)}: ${kilobytes} kB of JavaScript, with parts of ${packages.length} packages`,
  );
  console.log(`start it with: node ${join(relative(process.cwd(), folder), 'main.js')}`);
}
