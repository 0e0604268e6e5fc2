/** A call through LiveKit's server with its own client library, each person with the reporter by the recipe. */
import type { Room } from 'livekit-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith, tool } from '../support/needs.ts';
import type { Reporting } from '../support/pages/reporting-page.ts';
import { eventually } from '../support/poll.ts';
import { allOthers, becomes, type SfuCalls, startSfuCalls } from '../support/sfu/calls.ts';
import { joinRoom } from '../support/sfu/join-room.ts';
import { type LivekitServer, startLivekit } from '../support/sfu/livekit.ts';

let livekit: LivekitServer;
let calls: SfuCalls;

async function enter(session: string): Promise<Reporting> {
  const person = await calls.open('livekit', session);
  await joinRoom(person, 'livekit-room.ts', { url: livekit.url, token: await livekit.token('livekit', session) });
  return person;
}

await describeWith([tool('livekit-server')], 'a room of LiveKit', () => {
  beforeAll(async () => {
    livekit = await startLivekit();
    calls = await startSfuCalls();
  });
  afterAll(async () => {
    await calls?.stop();
    await livekit?.stop();
  });

  it('has the sessions of the others as the peers of each of three people, also after a reconnection', async () => {
    const people: Reporting[] = [];
    for (const session of ['ada', 'bo', 'cy']) people.push(await enter(session));
    const [ada] = people as [Reporting];
    await becomes(() => calls.received('livekit'), allOthers(['ada', 'bo', 'cy']));
    await becomes(
      () => calls.figures('livekit'),
      Array(6).fill(
        expect.arrayContaining(['audio_packet_loss_ratio', 'concealment_ratio', 'video_frames_per_second']),
      ),
    );
    expect((await ada.sent()).at(-1)).toMatchObject({
      rtt: expect.arrayContaining([expect.any(Number)]),
      path: { candidate_type: 'host', protocol: 'udp' },
      state: { audio_sending: true, video_sending: true },
      connection: { failures: 0 },
      sent: { audio: { packetsSent: expect.any(Number) }, video: { packetsSent: expect.any(Number) } },
    });
    expect((await ada.sent()).find(({ join }) => join)?.join).toMatchObject({ result: 'ok' });

    await ada.page.evaluate(async () => {
      const { room } = window as unknown as { room: Room };
      const reconnected = new Promise((resolve) => room.once('reconnected', () => resolve(undefined)));
      await room.simulateScenario('full-reconnect');
      await reconnected;
    });
    const count = (await ada.sent()).length;
    await eventually(
      async () => {
        const since = (await ada.sent()).slice(count);
        const decoded = since.map(
          ({ peers }) => peers.find(({ peer_id }) => peer_id === 'bo')?.video?.framesDecoded ?? 0,
        );
        // Its media is that of new connections and tracks.
        return Math.max(...decoded.slice(1)) > Math.min(...decoded) && since.at(-1)?.connection?.failures === 1;
      },
      { deadlineMs: 20_000 },
    );
    await becomes(() => calls.received('livekit'), allOthers(['ada', 'bo', 'cy']));
    await people.at(-1)?.page.close();
    await becomes(() => calls.received('livekit'), allOthers(['ada', 'bo']));
    expect(people.flatMap((person) => person.errors())).toEqual([]);
  });
});
