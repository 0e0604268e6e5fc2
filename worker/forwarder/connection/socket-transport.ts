/**
 * A transport for the NATS client over Cloudflare's TCP sockets. The client's own transport is for Node: in workerd
 * its TLS upgrade fails, and an attempt that timed out leaks its socket. The client still speaks the protocol.
 */
import { connect } from 'cloudflare:sockets';
import {
  DataBuffer,
  ErrorCode,
  INFO,
  NatsError,
  type Server,
  type ServerInfo,
  type Transport,
} from 'nats/lib/nats-base-client/internal_mod.js';

/** nats-server's INFO line is a few hundred bytes; a server that sends more without a line break is not NATS. */
const INFO_BYTES_MAX = 32_768;

const SCHEME = /^([a-z]+):\/\//;

type Channel = {
  readonly socket: Socket;
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
};

/** One connection. A server with a URL of `tls:` must offer TLS; one of `nats:` is upgraded when it does. */
export function createSocketTransport(): Transport {
  const ended = Promise.withResolvers<Error | undefined>();
  let channel: Channel | undefined;
  let greeting: Uint8Array | undefined;
  let connected = false;
  let isClosed = false;
  let encrypted = false;
  let closeError: Error | undefined;

  async function openChannel(server: Server): Promise<void> {
    const { hostname, port, src } = server;
    const scheme = SCHEME.exec(src)?.[1] ?? 'nats';
    // Other schemes, such as wss:, must not end up as a plain connection.
    if (scheme !== 'nats' && scheme !== 'tls') throw NatsError.errorForCode(ErrorCode.InvalidOption);
    channel = open(connect({ hostname, port }, { secureTransport: 'starttls', allowHalfOpen: false }));
    greeting = await readGreeting(channel.reader);
    const { tls_required, tls_available } = parseInfo(greeting);
    const offered = tls_required === true || tls_available === true;
    if (!offered && scheme === 'tls') throw NatsError.errorForCode(ErrorCode.ServerOptionNotAvailable);
    if (!offered) return;
    const { socket, reader, writer } = channel;
    reader.releaseLock();
    writer.releaseLock();
    // The certificate must be of the name that was connected to; workerd verifies it.
    channel = open(socket.startTls());
    await channel.socket.opened.catch((cause) => {
      throw NatsError.errorForCode(ErrorCode.Tls, asError(cause));
    });
    encrypted = true;
  }

  async function* chunks(): AsyncIterableIterator<Uint8Array> {
    if (greeting) yield greeting;
    try {
      for (;;) {
        const next = await channel?.reader.read();
        if (!next?.value) break;
        yield next.value;
      }
    } catch (error) {
      closeError ??= asError(error);
    }
    end(closeError);
  }

  function end(error?: Error): void {
    if (isClosed) return;
    isClosed = true;
    closeError = error;
    channel?.socket.close().catch(ignore);
    // Before it is connected, the client would mistake this for a lost connection and reconnect.
    if (connected) ended.resolve(error);
  }

  return {
    lang: 'nats.js',
    version: 'edgepulse',
    get isClosed() {
      return isClosed;
    },
    get closeError() {
      return closeError as Error;
    },
    async connect(server) {
      try {
        await openChannel(server);
        // The client may have given up meanwhile.
        if (isClosed) throw NatsError.errorForCode(ErrorCode.Timeout);
        connected = true;
      } catch (error) {
        end();
        throw error instanceof NatsError ? error : NatsError.errorForCode(ErrorCode.ConnectionRefused, asError(error));
      }
    },
    [Symbol.asyncIterator]: chunks,
    isEncrypted: () => encrypted,
    send(frame) {
      // A connection that can't be written to ends its reads too, or misses its pings.
      if (!isClosed) channel?.writer.write(frame).catch(ignore);
    },
    async close(error) {
      end(error);
    },
    disconnect: () => end(),
    closed: () => ended.promise,
    discard() {},
  };
}

function open(socket: Socket): Channel {
  socket.opened.catch(ignore);
  socket.closed.catch(ignore);
  return { socket, reader: socket.readable.getReader(), writer: socket.writable.getWriter() };
}

async function readGreeting(reader: Channel['reader']): Promise<Uint8Array> {
  let greeting: Uint8Array = new Uint8Array();
  while (!greeting.includes(0x0a)) {
    const { value, done } = await reader.read();
    if (done || greeting.length > INFO_BYTES_MAX) throw new Error('the server did not send a NATS INFO line');
    greeting = DataBuffer.concat(greeting, value);
  }
  return greeting;
}

function parseInfo(greeting: Uint8Array): Partial<ServerInfo> {
  const json = INFO.exec(new TextDecoder().decode(greeting))?.[1];
  if (json === undefined) throw new Error('the server did not send a NATS INFO line');
  return JSON.parse(json);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('socket failed', { cause: error });
}

function ignore(): void {}
