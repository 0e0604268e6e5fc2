/** Calls that go through a relay, a real coturn: /metrics shows their paths as such. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectCall, openReporting, type Reporting } from '../support/pages/reporting-page.ts';
import { eventually } from '../support/poll.ts';
import { type Chromium, type PageServer, startChromium, startPageServer } from '../support/processes/chromium.ts';
import { type System, startSystem } from '../support/processes/system.ts';
import { startTurnServer, type TurnServer } from '../support/processes/turn-server.ts';

let pages: PageServer;
let system: System;
let turn: TurnServer;
let chromium: Chromium;
beforeAll(async () => {
  pages = await startPageServer();
  turn = await startTurnServer();
  system = await startSystem({ workerVars: { ALLOWED_ORIGINS: pages.origin } });
  chromium = await startChromium();
});
afterAll(async () => {
  await chromium?.stop();
  await system?.stop();
  await turn?.stop();
  await pages?.stop();
});

function open(session: string): Promise<Reporting> {
  return openReporting({ chromium, origin: pages.origin, endpoint: system.worker.url, session });
}

describe.each(['udp', 'tcp'] as const)('a call through a relay that is reached by %s', (protocol) => {
  it('is counted under its path, by both ends', async () => {
    const [ana, bo] = await Promise.all([open(`${protocol}-ana`), open(`${protocol}-bo`)]);
    await connectCall(ana, bo, { configuration: turn.relayOnly(protocol) });
    await eventually(
      async () => {
        const scrape = await system.aggregator.metrics();
        const paths = scrape.all('edgepulse_sessions_by_path').filter(({ value }) => value);
        expect(paths.map(({ labels, value }) => [labels.candidate_type, labels.protocol, value])).toEqual([
          ['relay', protocol, 2],
        ]);
        return true;
      },
      { deadlineMs: 30_000 },
    );
    expect((await ana.sent()).at(-1)?.path).toEqual({ candidate_type: 'relay', protocol });
    // Media got through, not only connectivity checks.
    await eventually(async () => ((await bo.sent()).at(-1)?.peers[0]?.audio?.packetsReceived ?? 0) > 50, {
      deadlineMs: 20_000,
    });
    expect([ana.errors(), bo.errors()]).toEqual([[], []]);
  });
});
