/** Calls through janus with its own client library, each person with the reporter by the recipe, through the whole system. */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { createRandom } from '../../demo/random.ts';
import { describeWith, tool } from '../support/needs.ts';
import type { Reporting } from '../support/pages/reporting-page.ts';
import { allOthers, becomes, type SfuCalls, startSfuCalls } from '../support/sfu/calls.ts';
import { type JanusProcess, startJanus } from '../support/sfu/janus.ts';
import { joinRoom } from '../support/sfu/join-room.ts';
import { type LossyRelay, startLossyRelay, type Target } from '../support/sfu/lossy-relay.ts';

const ROOMS = { three: 1, four: 2 };

let janus: JanusProcess;
let calls: SfuCalls;

type Entry = {
  readonly meeting: keyof typeof ROOMS;
  readonly session: string;
  readonly hasVideo?: boolean;
  readonly isRelayed?: boolean;
};

async function enter({ meeting, session, hasVideo = false, isRelayed = false }: Entry): Promise<Reporting> {
  const person = await calls.open(meeting, session);
  if (isRelayed) {
    // One call is one relay: everything that the page sends goes through it.
    await person.page.exposeFunction('relay', async (target: Target) => {
      uplink = await startLossyRelay(target, createRandom(1));
      onTestFinished(uplink.stop);
      return uplink.port;
    });
  }
  await joinRoom(person, 'janus-room.ts', { url: janus.url, room: ROOMS[meeting], session, hasVideo, isRelayed });
  return person;
}

let uplink: LossyRelay;

await describeWith([tool('janus')], 'a video room of janus', () => {
  beforeAll(async () => {
    janus = await startJanus(Object.values(ROOMS));
    calls = await startSfuCalls();
  });
  afterAll(async () => {
    await calls?.stop();
    await janus?.stop();
  });

  it('has the sessions of the others as the peers of each of three people', async () => {
    const people: Reporting[] = [];
    for (const session of ['ada', 'bo', 'cy']) people.push(await enter({ meeting: 'three', session, hasVideo: true }));
    await becomes(() => calls.received('three'), allOthers(['ada', 'bo', 'cy']));
    await becomes(
      () => calls.figures('three'),
      Array(6).fill(
        expect.arrayContaining(['audio_packet_loss_ratio', 'concealment_ratio', 'video_frames_per_second']),
      ),
    );
    await people.at(-1)?.page.close();
    await becomes(() => calls.received('three'), allOthers(['ada', 'bo']));
    expect(people.flatMap((person) => person.errors())).toEqual([]);
  });

  it('shows which of four people has a bad uplink', async () => {
    await enter({ meeting: 'four', session: 'ada', isRelayed: true });
    for (const session of ['bo', 'cy']) await enter({ meeting: 'four', session });
    await becomes(() => calls.received('four'), allOthers(['ada', 'bo', 'cy']));
    uplink.setLoss(0.3);
    // Of two who hear Ada badly, neither proves that it is not themselves: it takes three.
    await becomes(() => calls.blamed('four'), ['bo hears ada: unknown', 'cy hears ada: unknown']);
    await enter({ meeting: 'four', session: 'di' });
    await becomes(
      () => calls.blamed('four'),
      ['bo hears ada: publisher', 'cy hears ada: publisher', 'di hears ada: publisher'],
    );
    expect(await calls.badStreams()).toEqual({ server: 0, publisher: 3, receiver: 0, unknown: 0 });
    uplink.setLoss(0);
    await becomes(() => calls.blamed('four'), []);
  });
});
