/** From a number of concurrent sessions to what they need and cost: arithmetic alone. */
import { seriesBound } from '../../aggregator/metrics/series-bound.ts';
import { LANES_MAX } from '../../shared/subjects.ts';
import {
  AGGREGATOR,
  BEACON_BYTES,
  CALLS_PER_ISOLATE,
  CPU_MICROSECONDS,
  DEFAULTS,
  DETAIL_SERIES_PER_SESSION,
  LANE,
  OBJECT_GIGABYTES,
  OBJECT_REQUESTS_PER_SECOND,
  PACE,
  PRICES,
  PROMETHEUS_BYTES_PER_SERIES,
} from './measured.ts';

/** What is assumed of a deployment. */
export type Deployment = {
  /** Concurrent, of all regions together. */
  readonly sessions: number;
  readonly regions: number;
  /** Media servers of the whole topology. */
  readonly servers: number;
  /** Isolates of the worker that serve at once, of all regions together. Cloudflare decides how many there are. */
  readonly isolates: number;
  readonly replicas: number;
  readonly ttlSeconds: number;
};

export type Plan = {
  /** A second, of all regions: while all calls are fine, and in an incident that hits everybody. */
  readonly beacons: { readonly fine: number; readonly trouble: number };
  /** Of each region. */
  readonly forwarders: number;
  readonly lanes: number;
  readonly shards: number;
  /** Stream HEALTH of each region, in trouble: bytes a second, and on the disk of each server that keeps it. */
  readonly nats: { readonly bytesPerSecond: number; readonly streamBytes: number; readonly millicores: number };
  /** Of each process. */
  readonly aggregator: { readonly processes: number; readonly millicores: number; readonly megabytes: number };
  /** Of all processes that are scraped. */
  readonly prometheus: { readonly series: number; readonly gigabytes: number };
  /** Of Cloudflare, dollars a month, if that many sessions are there all the time. */
  readonly cost: Cost;
};

export type Cost = {
  readonly workersRequests: number;
  readonly workersCpu: number;
  readonly objectRequests: number;
  readonly objectDuration: number;
  readonly total: number;
};

/** How much of what it can a part is planned to do in trouble: the rest is for deployments, peaks and a lost neighbour. */
const HEADROOM = 0.7;
/** In trouble that is half a core. */
const SESSIONS_PER_SHARD = 0.75 * DEFAULTS.maxSessions;
const SECONDS_A_MONTH = 30 * 86_400;

export function planFor(deployment: Deployment): Plan {
  const { sessions, regions, ttlSeconds, replicas } = deployment;
  const perSecond = (pace: number) => (sessions * pace) / 60;
  const beacons = { fine: perSecond(PACE.fine), trouble: perSecond(PACE.trouble) };
  const inRegion = beacons.trouble / regions;
  const shards = Math.ceil(sessions / regions / SESSIONS_PER_SHARD);
  const bytesPerSecond = inRegion * BEACON_BYTES;
  const lanes = lanesFor(shards, bytesPerSecond);
  const forwarders = forwardersFor(beacons.trouble, deployment);
  const perShard = sessions / regions / shards;
  const series = seriesOf(deployment, shards * replicas, perShard);
  return {
    beacons,
    forwarders,
    lanes,
    shards,
    nats: {
      bytesPerSecond,
      streamBytes: bytesPerSecond * 2 * ttlSeconds,
      millicores: (inRegion * CPU_MICROSECONDS.nats) / 1e3,
    },
    aggregator: {
      processes: regions * shards * replicas,
      millicores: AGGREGATOR.baseMillicores + (((perShard * PACE.trouble) / 60) * CPU_MICROSECONDS.aggregator) / 1e3,
      megabytes: AGGREGATOR.baseMegabytes + (perShard * AGGREGATOR.bytesPerSession) / 1e6,
    },
    prometheus: { series, gigabytes: (series * PROMETHEUS_BYTES_PER_SERIES) / 1e9 },
    cost: costOf(beacons.fine, deployment, forwarders),
  };
}

/** At least two for each shard, so that the shards can be doubled without changing the topology. */
function lanesFor(shards: number, bytesPerSecond: number): number {
  const byBytes = Math.ceil(bytesPerSecond / (LANE.messagesPerSecond * LANE.messageBytes * HEADROOM));
  const lanes = Math.max(DEFAULTS.lanes, 2 * shards, byBytes);
  // A multiple of the shards: then each of them has as many lanes.
  const even = Math.ceil(lanes / shards) * shards;
  if (even > LANES_MAX)
    throw new RangeError(`${even} lanes are needed, and there are at most ${LANES_MAX}: divide the region`);
  return even;
}

function forwardersFor(beacons: number, { isolates, regions }: Deployment): number {
  const calls = callsOf(beacons, isolates);
  const byCalls = calls / (OBJECT_REQUESTS_PER_SECOND * HEADROOM);
  const byCpu = (beacons * CPU_MICROSECONDS.forwarder) / (1e6 * HEADROOM);
  return Math.ceil(Math.max(byCalls, byCpu) / regions);
}

/** A second: a beacon has a call of its own while its isolate has few. */
function callsOf(beacons: number, isolates: number): number {
  return isolates * Math.min(beacons / isolates, CALLS_PER_ISOLATE);
}

/** Of all processes: what the configuration can expose at most, but no more detail than its sessions have. */
function seriesOf({ servers, regions }: Deployment, processes: number, sessions: number): number {
  const names = Array.from({ length: servers }, (_, i) => `https://media-${i}.example.com`);
  const detail = Math.min(DEFAULTS.maxSessionSeries, sessions * DETAIL_SERIES_PER_SESSION);
  const each = seriesBound({
    regions: ['one'],
    servers: names.slice(0, Math.ceil(servers / regions)),
    maxSessionSeries: detail,
  });
  return Math.round(regions * processes * each);
}

function costOf(beacons: number, { isolates, regions }: Deployment, forwarders: number): Cost {
  const requests = beacons * SECONDS_A_MONTH;
  const calls = callsOf(beacons, isolates) * SECONDS_A_MONTH;
  const workersRequests = priceOf(requests, PRICES.workersRequests);
  const workersCpu = priceOf((requests * CPU_MICROSECONDS.worker) / 1e3, PRICES.workersCpuMs);
  const objectRequests = priceOf(calls, PRICES.objectRequests);
  const objects = regions * forwarders;
  const objectDuration = priceOf(objects * OBJECT_GIGABYTES * SECONDS_A_MONTH, PRICES.objectGigabyteSeconds);
  const total = PRICES.plan + workersRequests + workersCpu + objectRequests + objectDuration;
  return { workersRequests, workersCpu, objectRequests, objectDuration, total };
}

type Price = { readonly included: number; readonly perMillion: number };

function priceOf(amount: number, { included, perMillion }: Price): number {
  return (Math.max(0, amount - included) * perMillion) / 1e6;
}

/** Where a region with the default settings comes to a limit. */
export type Limit = { readonly sessions: number; readonly what: string; readonly remedy: string };

/** Sessions of one region, all of them in trouble, at which each limit is reached; the first one first. */
export function limitsOfDefaults(ttlSeconds: number): Limit[] {
  const sessionsAt = (beaconsPerSecond: number) => (beaconsPerSecond * 60) / PACE.trouble;
  const laneBytes = DEFAULTS.lanes * LANE.messagesPerSecond * LANE.messageBytes;
  const limits: Limit[] = [
    {
      sessions: sessionsAt(OBJECT_REQUESTS_PER_SECOND),
      what: 'calls of one Forwarder, if every beacon is a call: many isolates with few beacons each. `edgepulse_edge_overloaded_calls_total` rises',
      remedy: 'raise `FORWARDERS`',
    },
    {
      sessions: DEFAULTS.maxSessionSeries / DETAIL_SERIES_PER_SESSION,
      what: '`MAX_SESSION_SERIES`: only the detail of people whose calls are fine is left out',
      remedy: 'nothing, or raise it if Prometheus can take the series',
    },
    {
      sessions: sessionsAt(1e6 / CPU_MICROSECONDS.forwarder),
      what: 'CPU of one Forwarder',
      remedy: 'raise `FORWARDERS`',
    },
    {
      sessions: sessionsAt(DEFAULTS.streamBytes / BEACON_BYTES / (2 * ttlSeconds)),
      what: 'bytes of the stream HEALTH as the aggregator creates it: it reaches back less than two TTLs, then less than one. `EdgepulseStreamReachShort`',
      remedy: 'raise `max_bytes` of the stream, and the disk under it',
    },
    {
      sessions: DEFAULTS.maxSessions,
      what: '`MAX_SESSIONS` of one process: new people are ignored. `EdgepulseSessionsRefused`',
      remedy: 'add shards, or raise it where memory allows',
    },
    {
      sessions: sessionsAt(laneBytes / BEACON_BYTES),
      what: 'bytes of the lanes: ten messages of 900 kB a second on each; beacons wait in the outbox, then in the spool',
      remedy: 'raise `LANES`',
    },
    {
      sessions: sessionsAt(1e6 / CPU_MICROSECONDS.aggregator),
      what: 'CPU of one aggregator, which is one core: it lags. `EdgepulseFeedLagging`',
      remedy: 'add shards',
    },
  ];
  return limits.toSorted((one, other) => one.sessions - other.sessions);
}
