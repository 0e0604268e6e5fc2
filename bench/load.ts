/**
 * Load over keep-alive connections, written straight to sockets: a client that does more (headers as objects,
 * streams, pools) would need more of the processor than the worker it measures.
 */
import { connect } from 'node:net';

/** A request whose beacon's `seq` has a fixed width, and is counted up in place for each time it is sent. */
export type LoadRequest = { readonly bytes: Buffer; readonly seqAt: number };

export const FIRST_SEQ = 1_000_000;
const SEQ_WIDTH = String(FIRST_SEQ).length;

export type LoadOptions = {
  readonly url: string;
  readonly requests: readonly LoadRequest[];
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second, spread evenly; without it, as many as are answered. */
  readonly perSecond?: number;
};

export type LoadResult = { readonly answered: number; readonly failed: number; readonly perSecond: number };

export function beaconRequest(url: string, body: string): LoadRequest {
  const { host } = new URL(url);
  const head = `POST /v1/beacons HTTP/1.1\r\nHost: ${host}\r\nContent-Type: text/plain;charset=UTF-8\r\n`;
  const bytes = Buffer.from(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  return { bytes, seqAt: bytes.indexOf(`"seq":${FIRST_SEQ}`) + '"seq":'.length };
}

/** Sends each request in turn on whichever connection is free, for `seconds` seconds. */
export async function runLoad({ url, requests, connections, seconds, perSecond }: LoadOptions): Promise<LoadResult> {
  const { hostname, port } = new URL(url);
  const endsAt = performance.now() + seconds * 1000;
  let next = 0;
  let answered = 0;
  let failed = 0;
  /** Requests that a connection will send, each at its own time. */
  let reserved = 0;
  const startedAt = performance.now();

  function take(): Buffer {
    const request = requests[next % requests.length];
    if (!request) throw new RangeError('no requests');
    const seq = FIRST_SEQ + Math.floor(next / requests.length);
    request.bytes.write(String(seq), request.seqAt, SEQ_WIDTH, 'latin1');
    next += 1;
    // Copied, because the socket may still hold the last one.
    return Buffer.from(request.bytes);
  }

  function drive(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: Number(port), host: hostname, noDelay: true });
      let received = '';
      socket.setEncoding('latin1');
      /** On time, or at once when it is late. */
      const send = () => {
        const dueAt = perSecond === undefined ? 0 : startedAt + (reserved++ * 1000) / perSecond;
        const waitMs = dueAt - performance.now();
        if (waitMs > 0) setTimeout(() => socket.write(take()), waitMs);
        else socket.write(take());
      };
      socket.on('connect', send);
      socket.on('data', (text: string) => {
        received += text;
        // A 204 has no body; anything else is a failure, and ends the connection.
        if (!received.endsWith('\r\n\r\n')) return;
        if (received.startsWith('HTTP/1.1 204')) answered += 1;
        else failed += 1;
        const failure = received.startsWith('HTTP/1.1 204') ? undefined : received;
        received = '';
        if (failure !== undefined || performance.now() >= endsAt) socket.end();
        else send();
      });
      socket.on('error', reject);
      socket.on('close', () => {
        if (received !== '') failed += 1;
        resolve();
      });
    });
  }

  await Promise.all(Array.from({ length: connections }, drive));
  return { answered, failed, perSecond: (answered * 1000) / (performance.now() - startedAt) };
}
