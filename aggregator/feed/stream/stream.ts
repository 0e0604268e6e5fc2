/**
 * The stream HEALTH: looked at, and created when it is missing and the NATS user may. An existing
 * stream is never changed, since somebody else configured it; what is wrong with it is logged.
 */
import {
  DiscardPolicy,
  type JetStreamManager,
  NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamInfo,
} from 'nats';
import type { Logger } from 'pino';
import { STREAM, STREAM_SUBJECTS } from '../../../shared/subjects.ts';
import { createChangeFilter } from '../change-filter.ts';
import { type StreamNeeds, streamProblems } from './settings.ts';
import { reachOf } from './stream-watch.ts';

export type FoundStream = {
  /** When it was created. A stream that is deleted and created again counts from 1 again; this tells the two apart. */
  readonly created: string;
  readonly lastSequence: number;
  /** The broker's clock when it answered, ms since the epoch; before nats-server 2.10, of its newest message. */
  readonly askedAtMs: number;
  /** From when on it holds every message that was stored, by the broker's clock; minus infinity when none was removed yet. */
  readonly keptFromMs: number;
};

export type HealthStream = {
  /**
   * Asks for the stream, and logs what about it loses beacons or hides them from us.
   * @throws NatsError, {@link isStreamMissing} when there is none
   */
  inspect(jsm: JetStreamManager): Promise<FoundStream>;
  /**
   * Creates the stream; calls at the same time share one attempt.
   * @returns what was created
   * @throws NatsError when the user may not, or the server has hardly any storage
   */
  create(jsm: JetStreamManager): Promise<FoundStream>;
};

const MAX_BYTES = 1024 ** 3;
/** Half a minute of 10,000 beacons a second. A smaller stream would be of no use after a restart. */
const MIN_BYTES = 64 * 1024 ** 2;
const DUPLICATE_WINDOW_MS = 120_000;

// nats-server's own error codes, server/errors.json.
const STREAM_NOT_FOUND = 10059;
const NO_STORAGE = new Set([10023, 10028, 10047]);

export function isStreamMissing(error: unknown): boolean {
  return errorCode(error) === STREAM_NOT_FOUND;
}

export function createHealthStream(needs: StreamNeeds, log: Logger): HealthStream {
  const changes = createChangeFilter();
  let creating: Promise<FoundStream> | undefined;

  async function create(jsm: JetStreamManager): Promise<FoundStream> {
    const info = await addStream(jsm, needs.ttlSeconds, MAX_BYTES);
    const maxBytes = info.config.max_bytes;
    log.info({ stream: STREAM, maxBytes }, 'stream created');
    if (maxBytes < MAX_BYTES) logSmall(maxBytes);
    return foundIn(info);
  }

  function logSmall(maxBytes: number): void {
    const hint = 'raise max_file_store in the jetstream block of nats-server';
    log.warn(
      { stream: STREAM, maxBytes, wantedBytes: MAX_BYTES, hint },
      'stream created with less space than requested',
    );
  }

  return {
    async inspect(jsm) {
      const info = await jsm.streams.info(STREAM);
      const problems = [...streamProblems(info.config, needs).values()];
      if (changes.isNew(STREAM, problems.join()) && problems.length > 0) {
        const hint = 'change it with `nats stream edit`; the aggregator leaves an existing stream as it is';
        log.warn({ stream: STREAM, problems, hint }, 'stream is misconfigured');
      }
      return foundIn(info);
    },
    create(jsm) {
      creating ??= create(jsm).finally(() => {
        creating = undefined;
      });
      return creating;
    },
  };
}

function foundIn(info: StreamInfo): FoundStream {
  const { created, config, state } = info;
  const ts = timeOf(info);
  const askedAtMs = Date.parse(ts);
  const keptFromMs =
    state.first_seq <= 1 ? Number.NEGATIVE_INFINITY : askedAtMs - 1000 * reachOf({ ts, config, state });
  return { created: String(created), lastSequence: state.last_seq, askedAtMs, keptFromMs };
}

/** `ts` is newer than the types of the client library. */
function timeOf(info: StreamInfo): string {
  return 'ts' in info && typeof info.ts === 'string' ? info.ts : String(info.state.last_ts);
}

/**
 * If the server has less storage than requested, requests half as much, and so on.
 */
async function addStream(jsm: JetStreamManager, ttlSeconds: number, maxBytes: number): Promise<StreamInfo> {
  const maxAgeMs = 2 * ttlSeconds * 1000;
  try {
    return await jsm.streams.add({
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
  } catch (error) {
    if (!NO_STORAGE.has(errorCode(error) ?? 0) || maxBytes / 2 < MIN_BYTES) throw error;
  }
  return addStream(jsm, ttlSeconds, maxBytes / 2);
}

function errorCode(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}
