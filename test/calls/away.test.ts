/** A call whose endpoint for beacons is away for a while, on the call page in a real Chromium. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Caller, type CallSystem, joinCall, type Source, startCallSystem } from '../support/pages/call-page.ts';
import { eventually, pause } from '../support/poll.ts';
import { type Chromium, startChromium } from '../support/processes/chromium.ts';

const AWAY_MS = 20_000;

// Of these, the endpoint is away for twenty.
vi.setConfig({ testTimeout: 120_000 });

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

function join(room: string, name: string, source: Source): Promise<Caller> {
  return joinCall({ chromium, origin: running.origin, room, name, source });
}

const metrics = () => running.system.aggregator.metrics();

describe('an endpoint that is away for 20 s', () => {
  it('costs the call nothing, and what was dropped is what is missing', async () => {
    const [ana, bo] = [await join('away', 'Ana', 'Test picture'), await join('away', 'Bo', 'Test picture')];
    const here = { meeting_id: 'away' };
    await eventually(async () => (await metrics()).all('edgepulse_peer_neteq_buffer_seconds', here).length === 2, {
      deadlineMs: 30_000,
    });
    // Both are heard just before: a session that had been silent for 9 s as well would be close to its TTL.
    const applied = async () => (await metrics()).sum('edgepulse_beacons_total', { outcome: 'applied' });
    const known = await applied();
    for (const caller of [ana, bo]) await caller.press('Mute');
    await eventually(async () => (await applied()) >= known + 2, { deadlineMs: 15_000 });
    const before = await metrics();
    await running.system.worker.kill();
    const backAtMs = performance.now() + AWAY_MS;
    // Whoever mutes has something to report, so that several beacons are due meanwhile.
    for (let i = 0; performance.now() < backAtMs; i++) {
      await ana.press(i % 2 === 0 ? 'Unmute' : 'Mute');
      await pause(2_000);
    }
    await running.system.worker.restart();
    const since = async (family: string) => (await metrics()).sum(family) - before.sum(family);
    await eventually(
      async () => {
        const dropped = await since('edgepulse_client_dropped_beacons_total');
        expect(dropped).toBeGreaterThanOrEqual(2);
        // A hole in the numbers is a loss when it has stood open for longer than reordering lasts.
        expect(await since('edgepulse_beacons_lost_total')).toBe(dropped);
        return true;
      },
      { deadlineMs: 60_000, intervalMs: 200 },
    );
    const after = await metrics();
    expect(after.all('edgepulse_peer_neteq_buffer_seconds', here).length).toBe(2);
    expect(after.sum('edgepulse_sessions_reaped_total', { reason: 'stale' })).toBe(0);
    expect(after.sum('edgepulse_beacons_total', { outcome: 'duplicate' })).toBe(0);
    for (const caller of [ana, bo]) {
      expect(await caller.people()).toEqual(
        expect.arrayContaining([expect.stringMatching(/^(Ana|Bo) \(you\)( muted)?$/)]),
      );
      expect(caller.errors()).toEqual([]);
    }
  });
});
