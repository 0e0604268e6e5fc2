/**
 * One scrape as the board sees it: regions with their live figures, servers and counters. What
 * is not known is left out: a region whose feed is down has no figures at all, so that nothing
 * downstream can show a stale one. Comparing scrapes is history.js's.
 */
import { mergeAll, readBuckets, readDistributions } from './distribution.js';

/** @typedef {import('./metrics-text.js').Families} Families */
/** @typedef {import('./metrics-text.js').Sample} Sample */
/** @typedef {import('./histogram.js').Buckets} Buckets */

/** @typedef {import('./distribution.js').Distributions} Distributions */
/** @typedef {Distributions & { readonly sessions: number, readonly peers: number }} Figures */
/** @typedef {{ readonly url: string, readonly type: string, readonly figures: Figures }} Server */
/** @typedef {Figures & { readonly participants: number | undefined, readonly meetings: number | undefined }} RegionFigures */

/**
 * Of the edge and the way from it, cumulative but for `spool`; undefined when the aggregator does not say.
 * @typedef {{
 *   readonly accepted: number | undefined,
 *   readonly rejected: ReadonlyMap<string, number>,
 *   readonly lost: number | undefined,
 *   readonly applied: number | undefined,
 *   readonly spool: number | undefined,
 *   readonly ingestDelay: Buckets,
 * }} Health
 */

/**
 * @typedef {{
 *   readonly name: string,
 *   readonly feedUp: boolean,
 *   readonly figures: RegionFigures | undefined,
 *   readonly servers: readonly Server[],
 *   readonly health: Health,
 * }} Region
 */

/** @typedef {{ readonly atMs: number, readonly startedAt: number | undefined, readonly version: string, readonly regions: readonly Region[] }} Snapshot */

/**
 * @param {Families} families of `collect[]=population` and `collect[]=process`
 * @param {number} atMs
 * @returns {Snapshot}
 * @throws {TypeError} when no region is in it: whatever answered, it was no aggregator
 */
export function readSnapshot(families, atMs) {
  const byRegion = indexByRegion(families);
  const feeds = families.get('edgepulse_feed_up') ?? [];
  if (feeds.length === 0) throw new TypeError('no edgepulse_feed_up in the answer');
  return {
    atMs,
    startedAt: families.get('process_start_time_seconds')?.[0]?.value,
    version: families.get('edgepulse_build_info')?.[0]?.labels.get('version') ?? '',
    regions: feeds.map((feed) => {
      const name = feed.labels.get('region') ?? '';
      return readRegion(name, feed.value === 1, byRegion.get(name) ?? new Map());
    }),
  };
}

/**
 * @param {Families} families
 * @returns {Map<string, Map<string, Sample[]>>}
 */
function indexByRegion(families) {
  /** @type {Map<string, Map<string, Sample[]>>} */
  const index = new Map();
  for (const [name, samples] of families) {
    for (const sample of samples) {
      const region = sample.labels.get('region');
      if (region === undefined) continue;
      append(
        ensure(index, region, () => new Map()),
        name,
        sample,
      );
    }
  }
  return index;
}

/**
 * @param {string} name
 * @param {boolean} feedUp
 * @param {Families} families of this region alone
 * @returns {Region}
 */
function readRegion(name, feedUp, families) {
  const health = readHealth(families);
  if (!feedUp) return { name, feedUp, figures: undefined, servers: [], health };
  const servers = readServers(families);
  const figures = {
    ...mergeFigures(servers.map((server) => server.figures)),
    participants: families.get('edgepulse_participants')?.[0]?.value,
    meetings: families.get('edgepulse_meetings')?.[0]?.value,
  };
  return { name, feedUp, figures, servers, health };
}

/**
 * @param {Families} families
 * @returns {Server[]} by name, so that they keep their places from one scrape to the next
 */
function readServers(families) {
  /** @type {Map<string, Map<string, Sample[]>>} */
  const cells = new Map();
  for (const [name, samples] of families) {
    for (const sample of samples) {
      const url = sample.labels.get('server_url');
      const type = sample.labels.get('server_type');
      if (url !== undefined && type !== undefined)
        append(
          ensure(cells, `${url} ${type}`, () => new Map()),
          name,
          sample,
        );
    }
  }
  const servers = [];
  for (const [key, cell] of [...cells].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const sessions = cell.get('edgepulse_sessions')?.[0]?.value;
    // What has only cumulative families is a server that everybody has left.
    if (sessions === undefined) continue;
    const [url = '', type = ''] = key.split(' ');
    const peers = cell.get('edgepulse_peer_connections')?.[0]?.value ?? 0;
    servers.push({
      url,
      type,
      figures: { sessions, peers, ...readDistributions(cell) },
    });
  }
  return servers;
}

/**
 * Figures of several servers as one: counts are added, quantiles read from the summed buckets.
 * @param {readonly Figures[]} parts
 * @returns {Figures}
 */
export function mergeFigures(parts) {
  return {
    sessions: parts.reduce((sum, { sessions }) => sum + sessions, 0),
    peers: parts.reduce((sum, { peers }) => sum + peers, 0),
    ...mergeAll(parts),
  };
}

/**
 * @param {Families} families
 * @returns {Health}
 */
function readHealth(families) {
  const edge = families.get('edgepulse_edge_beacons_total') ?? [];
  const beacons = families.get('edgepulse_beacons_total') ?? [];
  const rejected = edge.filter(({ labels }) => labels.get('outcome') === 'rejected');
  return {
    accepted: edge.find(({ labels }) => labels.get('outcome') === 'accepted')?.value,
    rejected: new Map(rejected.map(({ labels, value }) => [labels.get('reason') ?? '', value])),
    lost: families.get('edgepulse_beacons_lost_total')?.[0]?.value,
    applied: beacons.find(({ labels }) => labels.get('outcome') === 'applied')?.value,
    spool: families.get('edgepulse_edge_spool_beacons')?.[0]?.value,
    ingestDelay: readBuckets(families.get('edgepulse_ingest_delay_seconds_bucket')),
  };
}

/**
 * @template K, V
 * @param {Map<K, V>} map
 * @param {K} key
 * @param {() => V} create
 * @returns {V}
 */
function ensure(map, key, create) {
  const found = map.get(key) ?? create();
  map.set(key, found);
  return found;
}

/**
 * @param {Map<string, Sample[]>} map
 * @param {string} name
 * @param {Sample} sample
 */
function append(map, name, sample) {
  ensure(map, name, () => []).push(sample);
}
