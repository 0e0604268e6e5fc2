/**
 * A tap on the wire in front of a server: hands on every byte as it came, in both directions, and tells which
 * requests were on it. The browser's own record omits some requests that outlive their page.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type TappedRequest = {
  readonly method: string;
  readonly target: string;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
};

export type WireTap = {
  /** Where to send to in place of the server. */
  readonly url: string;
  /** Requests whose headers have come, by connection in the order of their start. */
  requests(): TappedRequest[];
  stop(): Promise<void>;
};

/** A request's head may stand right behind the body of the one before it. */
const HEAD = /([A-Z]{3,7}) (\/\S*) HTTP\/1\.1\r\n((?:[^\r\n]+\r\n)*)\r\n/g;

export async function startWireTap(serverUrl: string): Promise<WireTap> {
  const { hostname, port } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const streams: Buffer[][] = [];
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const stream: Buffer[] = [];
    streams.push(stream);
    client.on('data', (bytes: Buffer) => stream.push(bytes));
    client.pipe(upstream).pipe(client);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      // One end that breaks breaks the other, as it would with nothing in between.
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => streams.flatMap((stream) => readRequests(Buffer.concat(stream).toString('latin1'))),
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function readRequests(text: string): TappedRequest[] {
  return [...text.matchAll(HEAD)].map(([, method = '', target = '', lines = '']) => {
    const headers = lines.split('\r\n').flatMap((line) => {
      const [, name, value] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name.toLowerCase(), value] as const];
    });
    return { method, target, headers: new Map(headers) };
  });
}
