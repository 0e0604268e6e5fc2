/** A TCP port of loopback that leads to another one, and can be shut and opened: a route that somebody closes. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type Gate = {
  readonly port: number;
  /** Ends what is connected, and lets nobody in. */
  shut(): void;
  open(): void;
  stop(): Promise<void>;
};

/** @param targetPort of loopback; nobody needs to listen there yet */
export async function startGate(targetPort: number): Promise<Gate> {
  const sockets = new Set<Socket>();
  let isOpen = true;
  const server = createServer((incoming) => {
    if (!isOpen) {
      incoming.destroy();
      return;
    }
    const outgoing = connect({ port: targetPort, host: '127.0.0.1' });
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    shut() {
      isOpen = false;
      endAll();
    },
    open() {
      isOpen = true;
    },
    async stop() {
      endAll();
      server.close();
      await once(server, 'close');
    },
  };
}
