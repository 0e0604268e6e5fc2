/**
 * What plans are computed from: figures measured by `npm run bench` on two shared cores, the limits of Cloudflare, and its
 * list prices. Nothing is typed into docs/scaling.md by hand.
 */

/** `npm run bench -- reporter`: what one session posts, beacons a minute. */
export const PACE = { fine: 7, trouble: 11 } as const;

/** `npm run bench -- aggregator` and `scale`: an entry with every member, three peers, and ids as long as UUIDs, on NATS. */
export const BEACON_BYTES = 584;

/** CPU of a beacon, microseconds. */
export const CPU_MICROSECONDS = {
  /** `npm run bench -- edge`: token, schema, region and its share of the call; what Cloudflare bills. */
  worker: 150,
  /** `npm run bench -- edge`: batching and publishing in a Forwarder of its own; 5,000 to 7,000 a second are a core's. */
  forwarder: 1e6 / 6_000,
  /** `npm run bench -- path`: the whole process, with 25 beacons a message. Store and ingest alone are 7.5 of it. */
  aggregator: 18,
  /** The same: nats-server, which also writes the stream to its disk. */
  nats: 11,
} as const;

/** The aggregator: `npm run bench -- rest`, built by `npm run build`, and `npm run bench -- scale`. */
export const AGGREGATOR = {
  /** Resident with hardly anybody, after a quarter of an hour. */
  baseMegabytes: 106,
  bytesPerSession: 2_300,
  /** Scrapes, a board, timers and heartbeats with few sessions, thousandths of a core. */
  baseMillicores: 20,
} as const;

/** `npm run bench -- prometheus`: resident bytes of a series. */
export const PROMETHEUS_BYTES_PER_SERIES = 3_600;

/** `npm run bench -- aggregator`: series of a session of three peers; W3C counters (10) or a NetEQ of its own (13), half of each. */
export const DETAIL_SERIES_PER_SESSION = 11.75;

/** Defaults of the aggregator's configuration, and of the stream that it creates (aggregator/feed/stream). */
export const DEFAULTS = { lanes: 4, maxSessions: 200_000, maxSessionSeries: 50_000, streamBytes: 2 ** 30 } as const;

/** A Forwarder publishes each lane so often at most, in messages of at most so many bytes (worker/forwarder). */
export const LANE = { messagesPerSecond: 10, messageBytes: 900_000 } as const;

/** An isolate calls the Forwarders of a region so often at most (worker/forward): three calls in 120 ms. */
export const CALLS_PER_ISOLATE = 25;

/** Cloudflare's soft limit: requests a second of one Durable Object. */
export const OBJECT_REQUESTS_PER_SECOND = 1_000;

/** Dollars, as developers.cloudflare.com lists them for the paid plan. */
export const PRICES = {
  /** For the account, a month. */
  plan: 5,
  workersRequests: { included: 10e6, perMillion: 0.3 },
  workersCpuMs: { included: 30e6, perMillion: 0.02 },
  objectRequests: { included: 1e6, perMillion: 0.15 },
  /** Billed for 128 MB, as wall-clock time, while an object can't hibernate: a Forwarder keeps its connection to NATS. */
  objectGigabyteSeconds: { included: 400_000, perMillion: 12.5 },
} as const;

export const OBJECT_GIGABYTES = 0.128;
