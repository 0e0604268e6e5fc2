/** mediasoup-client in a real Chromium with the reporter by the recipe; the other side is no mediasoup server. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/poll.ts';
import { becomes, type SfuCalls, startSfuCalls } from '../support/sfu/calls.ts';
import { joinRoom } from '../support/sfu/join-room.ts';

let calls: SfuCalls;
beforeAll(async () => {
  calls = await startSfuCalls();
});
afterAll(() => calls?.stop());

it('reports what a transport receives as that of the peer that produces it', async () => {
  const ada = await calls.open('mediasoup', 'ada');
  await joinRoom(ada, 'mediasoup-room.ts', { peer: 'bo' });
  await becomes(() => calls.received('mediasoup'), { ada: ['bo'] });
  await becomes(
    () => calls.figures('mediasoup'),
    [expect.arrayContaining(['audio_packet_loss_ratio', 'concealment_ratio', 'video_frames_per_second'])],
  );
  const join = await eventually(async () => (await ada.sent()).find((beacon) => beacon.join)?.join, {
    deadlineMs: 20_000,
  });
  expect(join).toMatchObject({
    result: 'ok',
    first_audio_seconds: expect.any(Number),
    first_video_seconds: expect.any(Number),
  });
  expect((await ada.sent()).at(-1)).toMatchObject({
    rtt: expect.arrayContaining([expect.any(Number)]),
    path: { candidate_type: 'host', protocol: 'udp' },
    connection: { failures: 0 },
  });
  expect(ada.errors()).toEqual([]);
});
