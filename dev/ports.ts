/** Whether a port can be listened on. */
import { createServer } from 'node:net';

const LOOPBACK = '127.0.0.1';

/** Also on loopback: binding "any address" does not detect a process that listens only there. */
export async function isPortFree(port: number, host: string): Promise<boolean> {
  return (await canListen(port, host)) && (host === LOOPBACK || (await canListen(port, LOOPBACK)));
}

async function canListen(port: number, host: string): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, LOOPBACK, () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address) resolve(address.port);
        else reject(new Error('no address'));
      });
    });
  });
}
