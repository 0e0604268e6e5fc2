/** The licences of what a bundle has parts of, as one text: most of them ask that their text be passed on. */
import type { BundledPackage } from './packages.ts';

const RULE = '-'.repeat(80);

export function licencesText(packages: readonly BundledPackage[]): string {
  const list = packages.map(({ name, version, license }) => `  ${name} ${version} (${license})`);
  const texts = packages.map(
    ({ name, version, license, licenseText }) =>
      `${RULE}\n${name} ${version} (${license})\n${RULE}\n\n${licenseText}\n`,
  );
  return [`This program has parts of these packages:\n\n${list.join('\n')}\n`, ...texts].join('\n');
}
