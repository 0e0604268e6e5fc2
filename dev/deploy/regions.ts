/** What is wrong with an environment's REGIONS beyond what the worker refuses to start with. */
import type { Region } from '../../shared/regions.ts';

/** @returns one line for each problem; the table is one that the worker accepts */
export function regionProblems(regions: readonly Region[]): string[] {
  return [...coloProblems(regions), ...domainProblems(regions), ...natsProblems(regions), ...hintProblems(regions)];
}

function coloProblems(regions: readonly Region[]): string[] {
  const seen = new Map<string, string>();
  const problems = regions.flatMap(({ name, colos }) => {
    if (colos.length === 0) return [`${name} has no colos: distance alone decides who belongs to it`];
    return colos.flatMap((colo) => {
      const other = seen.get(colo);
      seen.set(colo, other ?? name);
      if (other === undefined) return [];
      return other === name
        ? [`${name} lists the colo ${colo} twice`]
        : [`${name} has the colo ${colo} that is ${other}'s: the first one of the table gets it`];
    });
  });
  return problems;
}

/** A stream of a domain is one cluster's: the names of domain and cluster have to agree. */
function domainProblems(regions: readonly Region[]): string[] {
  const withDomain = regions.filter(({ domain }) => domain !== undefined);
  const mixed = withDomain.length > 0 && withDomain.length < regions.length;
  return [
    ...(mixed
      ? regions
          .filter(({ domain }) => domain === undefined)
          .map(({ name }) => `${name} has no domain, though others have: its stream can't be told from theirs`)
      : []),
    ...regions.flatMap(({ name, domain, fallback }) => {
      if (fallback.length === 0 || domain !== undefined) return [];
      return [`${name} has a fallback and no domain: no aggregator can follow it there`];
    }),
    ...withDomain.flatMap(({ name, domain, nats }, i) =>
      withDomain.slice(0, i).flatMap((other) => {
        const isShared = other.domain === domain && !sameSet(other.nats, nats);
        return isShared ? [`${name} and ${other.name} have the domain ${domain}, and different nats servers`] : [];
      }),
    ),
  ];
}

function natsProblems(regions: readonly Region[]): string[] {
  return regions.flatMap(({ name, domain, nats }, i) => [
    ...(new Set(nats).size === nats.length ? [] : [`${name} lists a nats server twice`]),
    ...regions.slice(0, i).flatMap((other) => {
      const shared = other.domain === domain ? undefined : nats.find((url) => other.nats.includes(url));
      return shared === undefined
        ? []
        : [`${name} and ${other.name} have the nats server ${shared}, and not one domain`];
    }),
  ]);
}

function hintProblems(regions: readonly Region[]): string[] {
  return regions.flatMap(({ name, hint }) =>
    hint === undefined ? [`${name} has no hint: its Forwarders start where the first beacon happens to come from`] : [],
  );
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item) => other.includes(item));
}
