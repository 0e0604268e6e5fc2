/**
 * The topology: what the worker and the aggregators of one environment must agree on; otherwise beacons are
 * published that no aggregator reads, or living sessions expire. Its fingerprint lets the two compare it without
 * exchanging it.
 */
import * as v from 'valibot';
import { LANES_MAX } from './subjects.ts';

/** The three settings that are the topology: one source gives all of them, on either side. */
export const TOPOLOGY_SETTINGS = ['REGIONS', 'SERVERS', 'LANES'] as const;

/** The part of the topology that both sides use. A region's colos, centre and NATS servers are the worker's alone. */
export type Topology = {
  /** Names of all regions of the environment, whichever of them a process serves. */
  readonly regions: readonly string[];
  /** Origins of the media servers. */
  readonly servers: readonly string[];
  /** Lanes of each region. */
  readonly lanes: number;
  /** The aggregator expires sessions after it, and reporters, which get it from the worker, pace themselves by it. */
  readonly ttlSeconds: number;
};

const TTL_SECONDS_MAX = 3_600;

/** SESSION_TTL_SECONDS as wrangler.toml and the environment hold it: text. */
export const SessionTtlSchema = v.optional(
  v.pipe(
    v.string(`is not an integer from 1 to ${TTL_SECONDS_MAX}`),
    v.check(isTtl, `is not an integer from 1 to ${TTL_SECONDS_MAX}`),
    v.transform(Number),
  ),
  '30',
);

/** LANES as wrangler.toml and the environment hold it: text. */
export const LanesSchema = v.pipe(
  v.string(`is not an integer from 1 to ${LANES_MAX}`),
  v.check(isLanes, `is not an integer from 1 to ${LANES_MAX}`),
  v.transform(Number),
);

function isTtl(text: string): boolean {
  return /^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= TTL_SECONDS_MAX;
}

function isLanes(text: string): boolean {
  return /^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= LANES_MAX;
}

/**
 * 16 hexadecimal digits that are equal for equal topologies, in whatever order regions and servers are listed.
 * It detects drift, not tampering: 64-bit FNV-1a of the sorted names.
 * @see https://datatracker.ietf.org/doc/html/draft-eastlake-fnv
 * @example topologyFingerprint({ regions: ['apac'], servers: ['https://media.example'], lanes: 16, ttlSeconds: 30 })
 */
export function topologyFingerprint({ regions, servers, lanes, ttlSeconds }: Topology): string {
  const text = JSON.stringify([[...new Set(regions)].sort(), [...new Set(servers)].sort(), lanes, ttlSeconds]);
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
