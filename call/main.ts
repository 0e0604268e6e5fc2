/** `npm run call`: the whole system on this machine, and a page on which people hold a real call that it reports. */
import { runCommand } from '../dev/command.ts';
import { natsConfig } from './nats-config.ts';
import { startPageServer } from './page-server.ts';

await runCommand({
  name: 'npm run call',
  summary: `Does what npm start does, and serves a page for real audio and video calls that are reported to it. Open the
page in two tabs. With NATS_URL, beacons go there, and the rooms still use a nats-server of this command.`,
  ownPort: { name: 'CALL_PORT', of: 'the page (8788)', byDefault: 8788 },
  natsConfig: (port) => natsConfig([`http://127.0.0.1:${port}`, `http://localhost:${port}`]),
  async onReady({ addresses: { worker, aggregator, natsWebSocket }, secret, ownPort }) {
    if (natsWebSocket === undefined || ownPort === undefined) throw new Error('nats-server has no WebSocket listener');
    const addresses = { worker, aggregator, signalling: natsWebSocket };
    const page = await startPageServer({ port: ownPort, secret, addresses });
    console.log(`Open the call page in two tabs, and the board beside them:

  call     ${page.origin}/?room=hello-call
  board    ${aggregator}/
`);
    return page;
  },
});
