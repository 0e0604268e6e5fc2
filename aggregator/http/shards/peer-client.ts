/**
 * Asks the aggregators of other shards. They are addresses in the configuration, and what is there may be down, slow,
 * endless or something else altogether: everything about an answer is bounded, and a failure is a text for an operator.
 */

export type PeerAnswer = { readonly ok: true; readonly body: Buffer } | { readonly ok: false; readonly why: string };

/** @param path and query, from the root of the peer's address */
export type AskPeer = (address: string, path: string) => Promise<PeerAnswer>;

export type PeerClientOptions = {
  /** METRICS_TOKEN, which the shards of a fleet share. */
  readonly token: string | undefined;
  /** For the whole answer. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
};

const TIMEOUT_MS = 2_000;
/** A part with 64 regions of 50 servers each is about as large. */
const MAX_BYTES = 32 * 1024 * 1024;

export function createPeerClient({ token, timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES }: PeerClientOptions): AskPeer {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };

  return async (address, path) => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      // The token is for this address alone: a redirect would take it elsewhere.
      const response = await fetch(`${address}${path}`, { headers, signal, redirect: 'manual' });
      if (response.status !== 200) {
        await response.body?.cancel();
        return { ok: false, why: whyOf(response.status) };
      }
      const body = await readBody(response, maxBytes);
      return body ? { ok: true, body } : { ok: false, why: `answers with more than ${maxBytes} bytes` };
    } catch (error) {
      return { ok: false, why: signal.aborted ? `does not answer within ${timeoutMs / 1000} s` : causeOf(error) };
    }
  };
}

async function readBody(response: Response, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the body, and with it the connection.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

function whyOf(status: number): string {
  if (status === 401) return 'answers 401: it has another METRICS_TOKEN';
  if (status === 404) return 'answers 404: it is no aggregator, or of an older version';
  return `answers ${status}`;
}

function causeOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' ? `can not be reached: ${cause.code}` : 'can not be reached';
}

/** Its lines, without their ends, as they are needed; what follows the last one is a line too. */
export function* linesOf(body: Buffer): Generator<string, void, void> {
  for (let from = 0; from < body.length; ) {
    const end = body.indexOf(NEWLINE, from);
    const to = end < 0 ? body.length : end;
    yield body.toString('utf8', from, to);
    from = to + 1;
  }
}

const NEWLINE = 0x0a;
