/**
 * A software bill of materials in CycloneDX 1.5: the packages that a bundle has parts of. `npm sbom` lists what is
 * installed, which is more, and differs with npm's version; this has no time and no serial number, so that the same
 * sources make the same file.
 * @see https://cyclonedx.org/docs/1.5/json/
 */
import type { BundledPackage } from './packages.ts';

export function sbom(version: string, packages: readonly BundledPackage[]) {
  const own = {
    type: 'application',
    name: 'edgepulse-aggregator',
    version,
    'bom-ref': `edgepulse-aggregator@${version}`,
  };
  const components = packages.map(component);
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: { ...own, licenses: [{ license: { id: 'Apache-2.0' } }] } },
    components,
    // In a bundle all of them are one file, so whose dependency each was is not said.
    dependencies: [{ ref: own['bom-ref'], dependsOn: components.map((one) => one['bom-ref']) }],
  };
}

function component({ name, version, license, integrity }: BundledPackage) {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return {
    type: 'library',
    name,
    version,
    'bom-ref': purl,
    purl,
    licenses: [/^[\w.-]+$/.test(license) ? { license: { id: license } } : { expression: license }],
    hashes: [hash(integrity)],
  };
}

function hash(integrity: string) {
  const [algorithm = '', digest = ''] = integrity.split(/-(.*)/);
  return { alg: algorithm.replace('sha', 'SHA-'), content: Buffer.from(digest, 'base64').toString('hex') };
}
