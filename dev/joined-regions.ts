/**
 * The regions of `npm run demo -- --regions`: which were named, and the rows of REGIONS that join them: each in a
 * JetStream domain of its own, with the others as its fallbacks. Pure.
 */
import type { Region } from '../shared/regions.ts';

export type RegionsOption = {
  /** The option's value: names, separated by commas. */
  readonly text: string;
  /** The names that it may have. */
  readonly known: readonly string[];
};

export type NamedRegions =
  | { readonly ok: true; readonly names: readonly string[] }
  | { readonly ok: false; readonly problem: string };

export function readRegionsOption({ text, known }: RegionsOption): NamedRegions {
  const names = text.split(',').flatMap((name) => name.trim() || []);
  const problem = (what: string): NamedRegions => ({ ok: false, problem: `--regions: ${what}` });
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) return problem(`${unknown} is not one of ${known.join(', ')}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) return problem(`names ${twice} twice`);
  if (names.length < 2) return problem(`name at least two of ${known.join(', ')}, separated by commas`);
  return { ok: true, names };
}

/** @param natsOf the NATS URLs of a region's Forwarders */
export function joinRegions(regions: readonly Region[], natsOf: (region: string) => string): Region[] {
  return regions.map((region, i) => ({
    ...region,
    domain: region.name,
    nats: [natsOf(region.name)],
    fallback: [...regions.slice(i + 1), ...regions.slice(0, i)].map(({ name }) => name),
  }));
}
