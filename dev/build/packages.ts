/** The npm packages whose files are in a bundle: name, version, licence and its text. */
import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';

export type BundledPackage = {
  readonly name: string;
  readonly version: string;
  /** SPDX expression, as the package states it. */
  readonly license: string;
  /** Of its licence, and of its notices where it has any. */
  readonly licenseText: string;
  /** Of the package as npm downloads it, from the lockfile: `sha512-...` in base64. */
  readonly integrity: string;
};

export type Installed = {
  /** The folder that has node_modules. */
  readonly root: string;
  /** package-lock.json, parsed. */
  readonly lock: { readonly packages: { readonly [folder: string]: { readonly integrity?: string } } };
};

const LICENCE_FILE = /^(?:licen[cs]e|copying|notice)\b/i;

/**
 * @param file of a module, absolute
 * @returns undefined for a file that is in no package
 * @throws when the package states no licence, or its licence's text is missing: such a one can't be passed on
 */
export async function packageOf(file: string, { root, lock }: Installed): Promise<BundledPackage | undefined> {
  const match = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file.split(sep).join('/'));
  if (!match) return undefined;
  const [folder] = match;
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const licenseText = await readLicence(folder);
  const integrity = lock.packages[folder.slice(root.length + 1)]?.integrity;
  if (typeof license !== 'string') throw new Error(`${name}: its package.json states no license`);
  if (licenseText === '') throw new Error(`${name}: has no file with the text of its licence`);
  if (integrity === undefined) throw new Error(`${name}: is not in package-lock.json; run "npm ci"`);
  return { name, version, license, licenseText, integrity };
}

async function readLicence(folder: string): Promise<string> {
  const files = (await readdir(folder)).filter((file) => LICENCE_FILE.test(file)).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return texts.map((text) => text.replaceAll('\r\n', '\n').trim()).join('\n\n');
}
