import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { natsProblem, withoutLogin } from './nats-probe.ts';
import { freePort } from './ports.ts';

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function listen(greet: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    greet(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const nats = (socket: Socket) => void socket.write('INFO {"server_id":"x"} \r\n');
const http = (socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
const silent = () => {};
const closing = (socket: Socket) => void socket.end();

it('has no problem with a NATS server, with or without a scheme, nor with several of which one answers', async () => {
  const server = await listen(nats);
  expect(await natsProblem(`nats://${server}`)).toBeUndefined();
  expect(await natsProblem(server)).toBeUndefined();
  expect(await natsProblem(`nats://127.0.0.1:${await freePort()}, nats://${server}`)).toBeUndefined();
});

it('takes a TLS server that waits for the handshake for one that answers', async () => {
  expect(await natsProblem(`tls://${await listen(silent)}`, 200)).toBeUndefined();
});

it('says which server does not answer and why, and shows no password', async () => {
  const gone = `127.0.0.1:${await freePort()}`;
  expect(await natsProblem(`nats://user:s3cret@${gone}`)).toBe(`no NATS server at nats://${gone} (connection refused)`);
  expect(await natsProblem('nats://nowhere.invalid')).toMatch(/^no NATS server at nats:\/\/nowhere\.invalid \(.+\)$/);
});

it.each([
  ['says nothing', silent, 'no answer within 0.2 s'],
  ['speaks HTTP', http, 'not a NATS server'],
  ['hangs up', closing, 'connection closed'],
])('has a problem with one that %s', async (_, greet, why) => {
  const server = await listen(greet);
  expect(await natsProblem(`nats://${server}`, 200)).toBe(`no NATS server at nats://${server} (${why})`);
});

it('names all of several', async () => {
  const [a, b] = [await listen(http), await listen(silent)];
  expect(await natsProblem(`nats://${a},nats://${b}`, 200)).toBe(
    `no NATS server at nats://${a} (not a NATS server), nats://${b} (no answer within 0.2 s)`,
  );
});

it.each([
  ['nats://user:pass@a:4222', 'nats://a:4222'],
  ['nats://token@a', 'nats://a'],
  ['user:pass@a:4222', 'a:4222'],
  ['nats://u:p@a,tls://u:p@b', 'nats://a,tls://b'],
  ['nats://a:4222', 'nats://a:4222'],
])('shows %s as %s', (urls, shown) => {
  expect(withoutLogin(urls)).toBe(shown);
});
