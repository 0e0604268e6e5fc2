import { connect } from 'nats';
import { afterAll, expect, it } from 'vitest';
import { type NatsServer, startNatsServer } from './nats-server.ts';

let server: NatsServer;
afterAll(() => server?.stop());

it('keeps its port and what it acknowledged over a kill', async () => {
  server = await startNatsServer();
  const before = await connect({ servers: server.url, reconnect: false });
  const manager = await before.jetstreamManager();
  await manager.streams.add({ name: 'KEPT', subjects: ['kept.>'] });
  await before.jetstream().publish('kept.1', 'one');
  await server.restart();
  const after = await connect({ servers: server.url, reconnect: false });
  const stream = await (await after.jetstreamManager()).streams.info('KEPT');
  expect(stream.state.messages).toBe(1);
  await after.close();
});
