/**
 * The stream HEALTH: found, or made when it is missing and this user may. An existing stream is
 * left as it is. Retrying, and what a stream is read for, is the feed's.
 */
import {
  DiscardPolicy,
  type JetStreamManager,
  NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from 'nats';
import { edgeSubject, STREAM, STREAM_SUBJECTS } from '../../shared/subjects.ts';

export type FoundStream = {
  /** A stream that is deleted and made again counts from 1 again; the time it was made tells the two apart. */
  readonly created: string;
  readonly lastSeq: number;
  /** What about it loses beacons or hides them from us, in words for the log. */
  readonly faults: readonly string[];
};

export type StreamNeeds = { readonly ttlSeconds: number; readonly regions: readonly string[] };

export const MAX_BYTES = 1024 ** 3;
/** Half a minute of 10,000 beacons a second; less isn't worth calling a stream. */
const LEAST_BYTES = 64 * 1024 ** 2;
const DUPLICATE_WINDOW_MS = 120_000;

// nats-server's own error codes, server/errors.json.
const STREAM_NOT_FOUND = 10059;
const NO_STORAGE = new Set([10023, 10028, 10047]);

export function isStreamMissing(error: unknown): boolean {
  return errorCode(error) === STREAM_NOT_FOUND;
}

/** @throws NatsError, {@link isStreamMissing} when it isn't there */
export async function inspectStream(jsm: JetStreamManager, needs: StreamNeeds): Promise<FoundStream> {
  const { created, config, state } = await jsm.streams.info(STREAM);
  return { created: String(created), lastSeq: state.last_seq, faults: faultsOf(config, needs) };
}

/**
 * A server with less room than asked for refuses outright; then half as much is asked for.
 * @returns the bytes that the stream may take
 * @throws NatsError when this user may not, or there is hardly any room
 */
export async function createStream(jsm: JetStreamManager, ttlSeconds: number, maxBytes = MAX_BYTES): Promise<number> {
  const maxAgeMs = 2 * ttlSeconds * 1000;
  try {
    const { config } = await jsm.streams.add({
      name: STREAM,
      description: 'edgepulse: health diagnostics of the last minute',
      subjects: [STREAM_SUBJECTS],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      num_replicas: 1,
      max_age: nanos(maxAgeMs),
      max_bytes: maxBytes,
      duplicate_window: nanos(Math.min(maxAgeMs, DUPLICATE_WINDOW_MS)),
    });
    return config.max_bytes;
  } catch (error) {
    if (!NO_STORAGE.has(errorCode(error) ?? 0) || maxBytes / 2 < LEAST_BYTES) throw error;
  }
  return createStream(jsm, ttlSeconds, maxBytes / 2);
}

function faultsOf(config: StreamConfig, { ttlSeconds, regions }: StreamNeeds): string[] {
  const faults: string[] = [];
  if (config.max_age > 0 && config.max_age < nanos(ttlSeconds * 1000)) {
    faults.push('max_age is shorter than the session TTL: a restart forgets living sessions');
  }
  const isCovered = (region: string) => config.subjects?.some((pattern) => covers(pattern, edgeSubject(region, '*')));
  const left = regions.filter((region) => !isCovered(region));
  if (left.length > 0) faults.push(`subjects leave out ${left.join(', ')}`);
  return faults;
}

/** Whether every subject that `filter` can match is matched by `pattern` too. */
export function covers(pattern: string, filter: string): boolean {
  const want = filter.split('.');
  const tokens = pattern.split('.');
  for (const [i, token] of tokens.entries()) {
    if (token === '>') return want.length > i;
    if (want[i] === undefined || want[i] === '>') return false;
    if (token !== '*' && token !== want[i]) return false;
  }
  return tokens.length === want.length;
}

function errorCode(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}
