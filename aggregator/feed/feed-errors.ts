/** What keeps the feed from NATS, counted by fault, and said in one line each time that it changes. */
import { ErrorCode, NatsError } from 'nats';
import { NATS_FAULTS, type NatsFailure, type NatsFault, natsFaultOf } from '../../shared/nats-faults.ts';

export type FeedErrorCounts = { readonly [Fault in NatsFault]: number };

export type FeedErrors = {
  /** Cumulative: connections and requests that failed, and errors that the server sent. */
  readonly counts: FeedErrorCounts;
  /** Counts a connection that failed. @param creds the text of the credentials file that was used */
  connection(error: unknown, creds: Uint8Array | undefined): FeedError;
  /** Counts a request that failed. */
  request(error: unknown): FeedError;
};

/** For the log. */
export type FeedError = {
  readonly fault: NatsFault;
  /** The client library's or the server's. */
  readonly code: string;
  /** What TLS or the socket says, for example `SELF_SIGNED_CERT_IN_CHAIN`. */
  readonly detail?: string;
};

export function createFeedErrors(): FeedErrors {
  const counts = Object.fromEntries(NATS_FAULTS.map((fault) => [fault, 0])) as { [Fault in NatsFault]: number };
  function count(error: unknown, about: Pick<NatsFailure, 'creds' | 'isRequest'>): FeedError {
    const code = codeOf(error);
    const detail = detailOf(error);
    const fault = natsFaultOf({
      // The library calls an untrusted certificate what Node's TLS calls it, or just TLS.
      code: code === ErrorCode.Tls ? code : (detail ?? code),
      apiCode: error instanceof NatsError ? error.api_error?.err_code : undefined,
      ...about,
      nowMs: Date.now(),
    });
    counts[fault] += 1;
    return { fault, code, ...(detail === undefined ? {} : { detail }) };
  }

  return {
    counts,
    connection: (error, creds) => count(error, { creds: creds && new TextDecoder().decode(creds) }),
    request: (error) => count(error, { isRequest: true }),
  };
}

function codeOf(error: unknown): string {
  if (error instanceof NatsError) return error.code;
  return (error as NodeJS.ErrnoException | undefined)?.code ?? String(error);
}

function detailOf(error: unknown): string | undefined {
  const cause = error instanceof NatsError ? (error.chainedError as NodeJS.ErrnoException | undefined) : undefined;
  return typeof cause?.code === 'string' ? cause.code : undefined;
}
