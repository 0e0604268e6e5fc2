import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createPeerClient, linesOf, type PeerClientOptions } from './peer-client.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function ask(address: string, options: Partial<PeerClientOptions> = {}) {
  return createPeerClient({ token: undefined, ...options })(address, '/api/v1/part?x=1');
}

describe('asking another shard', () => {
  it('gives the body, and sends the token that the fleet shares', async () => {
    const seen: unknown[] = [];
    const address = await serve(({ url, headers }, response) => {
      seen.push(url, headers.authorization);
      response.end('one\ntwo\n');
    });
    const answer = await ask(`${address}/agg`, { token: 's3cret' });
    expect(answer).toEqual({ ok: true, body: Buffer.from('one\ntwo\n') });
    await ask(address);
    expect(seen).toEqual(['/agg/api/v1/part?x=1', 'Bearer s3cret', '/api/v1/part?x=1', undefined]);
  });

  it.each([
    [401, 'METRICS_TOKEN'],
    [404, 'older version'],
    [500, 'answers 500'],
  ])('says what an answer of %s means', async (status, why) => {
    const address = await serve((_, response) => response.writeHead(status).end('no'));
    expect(await ask(address)).toEqual({ ok: false, why: expect.stringContaining(why) });
  });

  it('does not take the token elsewhere', async () => {
    let elsewhere = 0;
    const other = await serve((_, response) => {
      elsewhere++;
      response.end();
    });
    const address = await serve((_, response) => response.writeHead(302, { location: other }).end());
    expect(await ask(address, { token: 's3cret' })).toEqual({ ok: false, why: 'answers 302' });
    expect(elsewhere).toBe(0);
  });

  it('waits no longer than it may, neither for the first byte nor for the last one', async () => {
    const silent = await serve(() => {});
    const endless = await serve((_, response) => {
      response.write('a');
    });
    const why = 'does not answer within 0.1 s';
    expect(await ask(silent, { timeoutMs: 100 })).toEqual({ ok: false, why });
    expect(await ask(endless, { timeoutMs: 100 })).toEqual({ ok: false, why });
  });

  it('reads no more than it may', async () => {
    const address = await serve((_, response) => response.end('x'.repeat(101)));
    expect(await ask(address, { maxBytes: 101 })).toMatchObject({ ok: true });
    expect(await ask(address, { maxBytes: 100 })).toEqual({ ok: false, why: 'answers with more than 100 bytes' });
  });

  it('says that nobody is there', async () => {
    const address = await serve(() => {});
    for (const end of ends.splice(0)) end();
    expect(await ask(address)).toEqual({ ok: false, why: 'can not be reached: ECONNREFUSED' });
  });
});

describe('the lines of a body', () => {
  it('are read as they are needed, the last one with or without an end', () => {
    expect([...linesOf(Buffer.from('a\n\nb'))]).toEqual(['a', '', 'b']);
    expect([...linesOf(Buffer.from('a\n'))]).toEqual(['a']);
    expect([...linesOf(Buffer.from(''))]).toEqual([]);
  });
});
