/** A mesh of eight on the call page, in a real Chromium. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Caller, type CallSystem, joinCall, startCallSystem } from '../support/pages/call-page.ts';
import { eventually } from '../support/poll.ts';
import { type Chromium, startChromium } from '../support/processes/chromium.ts';

const PEOPLE = 8;
const ROOM = 'eight';

// Eight pages on two cores, which other processes may share.
vi.setConfig({ testTimeout: 150_000 });

let running: CallSystem;
let chromium: Chromium;
beforeAll(async () => {
  running = await startCallSystem();
  chromium = await startChromium();
});
afterAll(async () => {
  await chromium?.stop();
  await running?.stop();
});

/** `hearer heard`, one for each stream that a session reports. */
async function reportedPairs(): Promise<string[]> {
  const answer = await fetch(`${running.system.aggregator.url}/api/v1/sessions?meeting_id=${ROOM}`);
  const { sessions }: { sessions: { session_id: string; peers: { peer_id: string }[] }[] } = await answer.json();
  return sessions.flatMap(({ session_id, peers }) => peers.map(({ peer_id }) => `${session_id} ${peer_id}`)).sort();
}

it('is eight sessions that each hear seven peers, by their names', async () => {
  const metrics = () => running.system.aggregator.metrics();
  const callers: Caller[] = [];
  for (let i = 0; i < PEOPLE; i++) {
    // The first plays what it hears, as people do; for all of them that would be more than two cores decode.
    const options = { chromium, origin: running.origin, room: ROOM, name: `p${i}`, isLean: i > 0 };
    callers.push(await joinCall({ ...options, source: 'Microphone only' }));
  }
  const sessions = callers.map(({ session }) => session);
  const pairs = sessions.flatMap((hearer) =>
    sessions.filter((heard) => heard !== hearer).map((heard) => `${hearer} ${heard}`),
  );
  await eventually(
    async () => {
      expect(await reportedPairs()).toEqual(pairs.sort());
      return true;
    },
    { deadlineMs: 90_000, intervalMs: 500 },
  );
  const scrape = await metrics();
  expect(scrape.sum('edgepulse_sessions')).toBe(PEOPLE);
  expect(scrape.sum('edgepulse_peer_connections')).toBe(PEOPLE * (PEOPLE - 1));
  expect(scrape.sum('edgepulse_meeting_participants', { meeting_id: ROOM })).toBe(PEOPLE);
  const [first] = sessions;
  await eventually(
    async () => {
      const later = await metrics();
      const heard = later.all('edgepulse_peer_neteq_buffer_seconds', { session_id: first as string });
      expect(heard.map(({ labels }) => labels.peer_id).sort()).toEqual(sessions.slice(1).sort());
      return later.sum('edgepulse_joins_total', { result: 'ok' }) === PEOPLE;
    },
    { deadlineMs: 30_000, intervalMs: 200 },
  );
  for (const caller of callers) expect(caller.errors()).toEqual([]);
  await callers[PEOPLE - 1]?.press('Leave');
  await eventually(async () => (await metrics()).sum('edgepulse_sessions') === PEOPLE - 1);
});
