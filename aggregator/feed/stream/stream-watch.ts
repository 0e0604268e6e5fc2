/**
 * Looks at the stream HEALTH every few seconds, for what no consumer can see: subjects that nobody reads, because
 * the edge has another topology, and a stream that is too small to rebuild the sessions from.
 *
 * One request a look, which the aggregator's NATS user may make anyway ($JS.API.STREAM.INFO.HEALTH).
 */

import { type NatsConnection, NatsError } from 'nats';
import type { Logger } from 'pino';
import type { ServerType } from '../../../shared/beacon.ts';
import { STREAM, STREAM_SUBJECTS } from '../../../shared/subjects.ts';
import type { Connector } from '../connection.ts';
import { pause } from '../pause.ts';
import { createOwnership, UNOWNED_REASONS, type UnownedReason } from './ownership.ts';
import { type StreamProblem, type StreamSettings, streamProblems } from './settings.ts';

/** What the last look found; NaN where nothing is known, because no look has succeeded lately. */
export type StreamReading = {
  /** For how long a message is there to be read; Infinity when the stream has no limit that it is near to. */
  readonly reachSeconds: number;
  /** Subjects with messages that no configured region, lane or known service type owns. */
  readonly unowned: { readonly [Reason in UnownedReason]: number };
  /** 1 where a setting of the stream is wrong, 0 where it is right. */
  readonly problems: { readonly [Problem in StreamProblem]: number };
};

export type StreamWatch = {
  readonly reading: StreamReading;
  /** Looks until the signal aborts. Rejects only with a bug. */
  run(): Promise<void>;
};

export type StreamWatchOptions = {
  readonly connector: Connector;
  /** JetStream domain of the stream; by default, of whatever server is connected to. */
  readonly domain?: string | undefined;
  /** All REGIONS of the topology, whichever of them this process consumes. */
  readonly topologyRegions: readonly string[];
  /** Those that this process consumes. */
  readonly regions: readonly string[];
  readonly lanes: number;
  readonly mediaServerTypes?: readonly ServerType[] | undefined;
  readonly ttlSeconds: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

/** The part of a STREAM.INFO answer that is read. nats-server 2.10 and later say their own time, `ts`. */
export type StreamInfoPage = {
  readonly ts?: string;
  readonly config: StreamSettings & { readonly max_bytes: number; readonly max_msgs: number };
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly first_ts: string;
    readonly last_ts: string;
    readonly subjects?: { readonly [subject: string]: number } | null;
  };
  readonly total?: number;
};

const LOOK_EVERY_MS = 5_000;
const REQUEST_TIMEOUT_MS = 3_000;
/** nats-server answers with at most 100,000 subjects; after so many, the next look waits longer. */
const MANY_SUBJECTS = 10_000;
const LOOK_AT_MANY_EVERY_MS = 60_000;
/** Subjects that a log line names. */
const EXAMPLES_MAX = 8;
const PRINTABLE = /^[A-Za-z0-9_.-]{1,128}$/;
/** While no look has succeeded. */
export const NOTHING_KNOWN: StreamReading = {
  reachSeconds: Number.NaN,
  unowned: countsOf(() => Number.NaN),
  problems: problemsOf(() => Number.NaN),
};

const HINTS: { readonly [Reason in UnownedReason]: string } = {
  unknown_region: 'add the region to REGIONS of the aggregators, or take it out of the worker',
  unknown_lane: 'deploy worker and aggregators with the same LANES; expected during a rollout',
  unknown_service_type: 'of a media server: add its type to MEDIA_SERVER_TYPES; otherwise find out who publishes it',
  malformed: 'find out who publishes it: neither worker nor aggregator uses such subjects',
};

export function createStreamWatch(options: StreamWatchOptions): StreamWatch {
  const { connector, log, signal, ttlSeconds } = options;
  const ownership = createOwnership({ ...options, regions: options.topologyRegions });
  /** What was logged last; each is logged when it changes. */
  const loggedUnowned = new Map<UnownedReason, string>();
  let isLoggedShort = false;
  let reading = NOTHING_KNOWN;
  let pass = createPass();

  /** @returns how many subjects the page had */
  async function look(connection: NatsConnection): Promise<number> {
    const page = await requestPage(connection, options.domain, pass.offset);
    const subjects = Object.keys(page.state.subjects ?? {});
    for (const subject of subjects) {
      const reason = ownership.unownedReason(subject);
      if (reason) pass.unowned[reason].push(subject);
    }
    pass.offset += subjects.length;
    const reachSeconds = reachOf(page);
    const found = streamProblems(page.config, { ttlSeconds, regions: options.regions });
    const problems = problemsOf((problem) => (found.has(problem) ? 1 : 0));
    logReach(reachSeconds);
    if (subjects.length > 0 && pass.offset < (page.total ?? 0)) {
      reading = { ...reading, reachSeconds, problems };
      return subjects.length;
    }
    reading = { reachSeconds, problems, unowned: countsOf((reason) => pass.unowned[reason].length) };
    for (const reason of UNOWNED_REASONS) logUnowned(reason, pass.unowned[reason]);
    pass = createPass();
    return subjects.length;
  }

  function logUnowned(reason: UnownedReason, subjects: readonly string[]): void {
    const examples = subjects
      .toSorted()
      .slice(0, EXAMPLES_MAX)
      .map((subject) => (PRINTABLE.test(subject) ? subject : '(not printable)'));
    const found = examples.join();
    if (found === (loggedUnowned.get(reason) ?? '')) return;
    loggedUnowned.set(reason, found);
    if (found !== '') {
      const fields = { stream: STREAM, reason, subjects: examples, count: subjects.length, hint: HINTS[reason] };
      log.warn(fields, 'the stream has subjects that nobody reads');
    } else {
      log.info({ stream: STREAM, reason }, 'the stream no longer has subjects that nobody reads');
    }
  }

  function logReach(reachSeconds: number): void {
    // A full stream's reach varies with its traffic, so it must be clearly long enough before that is logged.
    const isShort = reachSeconds < (isLoggedShort ? 1.2 : 1) * ttlSeconds;
    if (isShort === isLoggedShort) return;
    isLoggedShort = isShort;
    if (isShort) {
      const hint = 'raise max_bytes, max_msgs or max_age with `nats stream edit`';
      log.warn({ stream: STREAM, reachSeconds, ttlSeconds, hint }, 'the stream is too small: a restart loses sessions');
    } else {
      log.info({ stream: STREAM, ttlSeconds }, 'the stream reaches back a whole TTL again');
    }
  }

  return {
    get reading() {
      return reading;
    },
    async run() {
      while (!signal.aborted) {
        const connection = await connector.connected();
        if (!connection) return;
        let found = 0;
        try {
          found = await look(connection);
        } catch (error) {
          // The readers say what is wrong with the stream or the connection; here it is only not known.
          if (!(error instanceof NatsError)) throw error;
          reading = NOTHING_KNOWN;
          pass = createPass();
        }
        await pause(found > MANY_SUBJECTS ? LOOK_AT_MANY_EVERY_MS : LOOK_EVERY_MS, signal);
      }
    },
  };
}

/** Of several streams: the shortest reach that is known, and the subjects of all that are known. */
export function combineReadings(readings: readonly StreamReading[]): StreamReading {
  const reaches = readings.flatMap(({ reachSeconds }) => (Number.isNaN(reachSeconds) ? [] : [reachSeconds]));
  return {
    reachSeconds: reaches.length > 0 ? Math.min(...reaches) : Number.NaN,
    unowned: countsOf((reason) => sumOfKnown(readings.map(({ unowned }) => unowned[reason]))),
    problems: problemsOf((problem) => Math.min(1, sumOfKnown(readings.map(({ problems }) => problems[problem])))),
  };
}

/** NaN where none is known. */
function sumOfKnown(counts: readonly number[]): number {
  const known = counts.filter((count) => !Number.isNaN(count));
  return known.length > 0 ? known.reduce((sum, count) => sum + count, 0) : Number.NaN;
}

/** A pass through all subjects, one page a look: however many there are, a look has bounded work. */
function createPass(): { offset: number; readonly unowned: { readonly [Reason in UnownedReason]: string[] } } {
  return { offset: 0, unowned: { unknown_region: [], unknown_service_type: [], unknown_lane: [], malformed: [] } };
}

/** @throws NatsError when there is no stream, no answer or no permission */
async function requestPage(
  connection: NatsConnection,
  domain: string | undefined,
  offset: number,
): Promise<StreamInfoPage> {
  const request = JSON.stringify({ subjects_filter: STREAM_SUBJECTS, offset });
  const api = domain === undefined ? '$JS.API' : `$JS.${domain}.API`;
  const answer = await connection.request(`${api}.STREAM.INFO.${STREAM}`, request, { timeout: REQUEST_TIMEOUT_MS });
  const page = answer.json<StreamInfoPage & { error?: { description?: string; code?: number } }>();
  if (page.error) throw new NatsError(page.error.description ?? 'no stream info', String(page.error.code));
  return page;
}

/**
 * For how long the stream keeps a message: `max_age`, or, when it is full, for as long as its oldest one has been
 * there, by the broker's time. The oldest message alone would not tell: after a quiet time it is young in any stream.
 * @returns seconds; Infinity without a limit
 */
export function reachOf({ ts, config, state }: StreamInfoPage): number {
  const maxAgeSeconds = config.max_age > 0 ? config.max_age / 1e9 : Number.POSITIVE_INFINITY;
  if (!isFull({ config, state })) return maxAgeSeconds;
  const nowMs = Date.parse(ts ?? state.last_ts);
  return Math.min(maxAgeSeconds, Math.max(0, (nowMs - Date.parse(state.first_ts)) / 1000));
}

/** A limit removes whole messages, so that a full stream is some messages below it. */
function isFull({ config, state }: Pick<StreamInfoPage, 'config' | 'state'>): boolean {
  if (state.messages === 0) return false;
  const averageBytes = state.bytes / state.messages;
  const isFullOfBytes = config.max_bytes > 0 && state.bytes + 2 * averageBytes >= 0.95 * config.max_bytes;
  const isFullOfMessages = config.max_msgs > 0 && state.messages >= config.max_msgs;
  return isFullOfBytes || isFullOfMessages;
}

function countsOf(count: (reason: UnownedReason) => number): StreamReading['unowned'] {
  return {
    unknown_region: count('unknown_region'),
    unknown_service_type: count('unknown_service_type'),
    unknown_lane: count('unknown_lane'),
    malformed: count('malformed'),
  };
}

function problemsOf(count: (problem: StreamProblem) => number): StreamReading['problems'] {
  return {
    subjects: count('subjects'),
    max_age: count('max_age'),
    retention: count('retention'),
    storage: count('storage'),
    discard: count('discard'),
    no_ack: count('no_ack'),
    sealed: count('sealed'),
    duplicate_window: count('duplicate_window'),
    max_msg_size: count('max_msg_size'),
  };
}
