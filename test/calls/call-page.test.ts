/** `npm run call` as people use it: the command, its page in a real Chromium, and their own call in /metrics. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wsconnect } from '@nats-io/nats-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { sessionSubject } from '../../call/rooms.ts';
import { freePort } from '../../dev/ports.ts';
import { type Scrape, scrape } from '../support/metrics/scrape.ts';
import { type Caller, connectionOf, joinCall, restartIce, type Source } from '../support/pages/call-page.ts';
import { eventually } from '../support/poll.ts';
import { type Chromium, startChromium } from '../support/processes/chromium.ts';
import { type RunningProcess, startProcess } from '../support/processes/process.ts';
import { descendantsOf, isAlive } from '../support/processes/process-tree.ts';

const ROOT = join(import.meta.dirname, '..', '..');

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

let folder: string;
let ports: { WORKER_PORT: string; AGGREGATOR_PORT: string; CALL_PORT: string };
let command: RunningProcess;
let chromium: Chromium;
let origin: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgepulse-call-'));
  const [worker, aggregator, call] = [await freePort(), await freePort(), await freePort()];
  ports = { WORKER_PORT: `${worker}`, AGGREGATOR_PORT: `${aggregator}`, CALL_PORT: `${call}` };
  origin = `http://127.0.0.1:${call}`;
  command = await start();
  chromium = await startChromium();
});
afterAll(async () => {
  await chromium?.stop();
  await command?.kill();
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<RunningProcess> {
  const started = await startProcess(process.execPath, ['call/main.ts'], {
    cwd: ROOT,
    env: { ...ports, TMPDIR: folder },
  });
  await started.waitForLine(/^ {2}call +http/, 90_000);
  return started;
}

function enter(room: string, name: string, source?: Source): Promise<Caller> {
  return joinCall({ chromium, origin, room, name, ...(source ? { source } : {}) });
}

function metrics(): Promise<Scrape> {
  return scrape(`http://127.0.0.1:${ports.AGGREGATOR_PORT}/metrics`);
}

/** Says something in a room as anybody can who opens the page. */
async function say(caller: Caller, room: string, from: string, message: string): Promise<void> {
  const signalling = await caller.page.evaluate(async (name) => {
    const answer = await fetch('join', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ room: name }),
    });
    return (await answer.json()).signalling as string;
  }, room);
  const nats = await wsconnect({ servers: signalling });
  nats.publish(sessionSubject(room, from), message);
  await nats.drain();
}

const peopleOf = (caller: Caller, expected: readonly string[]) =>
  eventually(
    async () => {
      expect((await caller.people()).sort()).toEqual([...expected].sort());
      return true;
    },
    { deadlineMs: 20_000 },
  );

describe('a call of two', () => {
  it('connects, shows each to the other, and is in /metrics by who hears whom', async () => {
    const [ana, bo] = await Promise.all([enter('two', 'Ana'), enter('two', 'Bo', 'Test picture')]);
    await peopleOf(ana, ['Ana (you)', 'Bo']);
    await peopleOf(bo, ['Bo (you)', 'Ana']);
    const playing = (caller: Caller) =>
      caller.page
        .locator('video')
        .evaluateAll((videos) =>
          (videos as HTMLVideoElement[]).every(({ videoWidth, paused }) => videoWidth > 0 && !paused),
        );
    await eventually(async () => (await playing(ana)) && (await playing(bo)), { deadlineMs: 20_000 });
    for (const [from, to] of [
      [ana.session, bo.session],
      [bo.session, ana.session],
    ]) {
      const labels = { meeting_id: 'two', session_id: from as string, peer_id: to as string };
      await eventually(async () => (await metrics()).value('edgepulse_peer_neteq_buffer_seconds', labels), {
        deadlineMs: 30_000,
      });
    }
    expect((await metrics()).sum('edgepulse_meeting_participants', { meeting_id: 'two' })).toBe(2);
    expect(await ana.page.locator('#report').textContent()).toMatch(
      /^Beacon \d+, RTT [\d.]+ ms, receiving from 1 person$/,
    );
    const sessions = await (
      await fetch((await ana.page.getByRole('link', { name: 'this meeting' }).getAttribute('href')) ?? '')
    ).json();
    expect(sessions).toMatchObject({ total: 2, sessions: [{ meeting_id: 'two' }, { meeting_id: 'two' }] });
    expect([ana.errors(), bo.errors()]).toEqual([[], []]);
  });

  it('shows who is muted and whose camera is off, and leaves at once', async () => {
    const [ana, bo] = await Promise.all([enter('muted', 'Ana', 'Test picture'), enter('muted', 'Bo', 'Test picture')]);
    await peopleOf(bo, ['Bo (you)', 'Ana']);
    await ana.press('Mute');
    await peopleOf(bo, ['Bo (you)', 'Ana muted']);
    await ana.press('Unmute');
    await peopleOf(bo, ['Bo (you)', 'Ana']);
    const tile = bo.page.locator(`[data-session="${ana.session}"]`);
    await ana.press('Camera off');
    await eventually(async () => /\bdark\b/.test((await tile.getAttribute('class')) ?? ''));
    const here = { meeting_id: 'muted' };
    await eventually(async () => (await metrics()).sum('edgepulse_meeting_participants', here) === 2, {
      deadlineMs: 30_000,
    });
    await ana.press('Leave');
    await peopleOf(bo, ['Bo (you)']);
    await eventually(async () => (await metrics()).sum('edgepulse_meeting_participants', here) === 1);
    await bo.page.close();
    await eventually(async () => (await metrics()).all('edgepulse_meeting_participants', here).length === 0);
  });
});

describe('two that offer at once', () => {
  it('agree, and stay connected', async () => {
    const both = await Promise.all([enter('glare', 'Ana', 'Test picture'), enter('glare', 'Bo', 'Microphone only')]);
    const isStable = ({ states }: { states: string[] }) => states.join() === 'stable,connected';
    await eventually(async () => (await Promise.all(both.map(connectionOf))).every(isStable), { deadlineMs: 20_000 });
    const before = await Promise.all(both.map(connectionOf));
    await Promise.all(both.map(restartIce));
    await eventually(async () => {
      const after = await Promise.all(both.map(connectionOf));
      return after.every((each, i) => isStable(each) && each.ufrag !== before[i]?.ufrag);
    });
    expect(both.map((each) => each.errors())).toEqual([[], []]);
  });
});

describe('a call of three', () => {
  it('goes on when somebody disappears without a word, and takes somebody new', async () => {
    const [ana, bo] = await Promise.all([
      enter('three', 'Ana', 'Test picture'),
      enter('three', 'Bo', 'Microphone only'),
    ]);
    await peopleOf(ana, ['Ana (you)', 'Bo']);
    const cdp = await bo.page.context().newCDPSession(bo.page);
    await Promise.race([cdp.send('Page.crash').catch(() => {}), bo.page.waitForEvent('crash')]);
    const eve = await enter('three', 'Eve', 'Microphone only');
    await eventually(async () => (await eve.people()).includes('Ana'), { deadlineMs: 20_000 });
    // Three hellos are missed, and the connection notices by itself.
    await eventually(
      async () => {
        expect((await ana.people()).sort()).toEqual(['Ana (you)', 'Eve']);
        return true;
      },
      { deadlineMs: 40_000 },
    );
    expect([ana.errors(), eve.errors()]).toEqual([[], []]);
  });
});

describe('the page', () => {
  it('shows what others say as text, whatever it is', async () => {
    const ana = await enter('hostile', 'Ana', 'Test picture');
    const name = '<img src=x onerror="document.title=1">';
    await say(ana, 'hostile', 'eve', JSON.stringify({ type: 'hello', name, audio: true, video: false }));
    await say(ana, 'hostile', 'mallory', '{"type":"hello"');
    const offer = { type: 'description', to: ana.session, description: { type: 'offer', sdp: 'v=0 nonsense' } };
    await say(ana, 'hostile', 'eve', JSON.stringify(offer));
    await say(
      ana,
      'hostile',
      'eve',
      JSON.stringify({ type: 'candidate', to: ana.session, candidate: { candidate: 'x' } }),
    );
    await eventually(async () => (await ana.people()).some((text) => text.startsWith(name)));
    expect(await ana.page.locator('img').count()).toBe(0);
    expect((await ana.people()).length).toBe(2);
    expect(await ana.page.title()).toBe('hostile: edgepulse call');
    expect(ana.errors()).toEqual([]);
  });

  it('says which rooms there can be, and enters no other', async () => {
    for (const room of ['a.b', '*', '%3E', '<b>', 'x'.repeat(65)]) {
      const page = await chromium.open(`${origin}/?room=${room}`);
      onTestFinished(() => page.context().close());
      expect(await page.getByRole('alert').textContent()).toContain('a room is named with');
      expect(await page.getByRole('button', { name: 'Join' }).isDisabled()).toBe(true);
      expect(await page.locator('b').count()).toBe(0);
      const status = await page.evaluate(async (name) => {
        const headers = { 'content-type': 'application/json' };
        return (await fetch('join', { method: 'POST', headers, body: JSON.stringify({ room: name }) })).status;
      }, decodeURIComponent(room));
      expect(status).toBe(400);
    }
  });

  it('asks what to do when the microphone is not allowed, and works without one', async () => {
    const page = await chromium.open(`${origin}/?room=denied`);
    onTestFinished(() => page.context().close());
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    });
    await page.getByRole('button', { name: 'Join' }).click();
    await eventually(async () => (await page.getByRole('alert').textContent())?.includes('choose the test picture'));
    await page.getByLabel('Test picture').check();
    await page.getByRole('button', { name: 'Join' }).click();
    await page.getByRole('button', { name: 'Leave' }).waitFor();
    expect(await page.getByRole('alert').isVisible()).toBe(false);
  });

  it('begins a room of its own when the address names none', async () => {
    const page = await chromium.open(origin);
    onTestFinished(() => page.context().close());
    expect(page.url()).toMatch(/\?room=room-[a-z0-9]{6}$/);
  });

  it('has a policy without inline script, and answers for this machine alone', async () => {
    const answer = await fetch(origin);
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(policy).not.toContain('unsafe');
    const join = (headers: Record<string, string>) =>
      fetch(`${origin}/join`, { method: 'POST', headers, body: '{"room":"two"}' });
    expect((await join({ 'content-type': 'text/plain' })).status).toBe(415);
    const { status, headers } = await join({ 'content-type': 'application/json' });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([200, null]);
    expect((await fetch(`${origin}/../package.json`)).status).toBe(404);
  });
});

describe('the command', () => {
  it('reports a port that is taken, ends with Ctrl-C, leaves nothing, and starts again at once', async () => {
    const second = await startProcess(process.execPath, ['call/main.ts'], {
      cwd: ROOT,
      env: { ...ports, WORKER_PORT: `${await freePort()}`, AGGREGATOR_PORT: `${await freePort()}`, TMPDIR: folder },
    });
    expect((await second.exited).code).toBe(1);
    expect(second.output()).toContain(`CALL_PORT: port ${ports.CALL_PORT} is already in use`);

    const family = await descendantsOf(command.pid);
    expect(family.length).toBeGreaterThan(3);
    command.signal('SIGINT');
    expect(await command.exited).toEqual({ code: 0, signal: null });
    await eventually(() => family.every(({ pid }) => !isAlive(pid)));
    await eventually(async () => (await readdir(folder)).every((name) => name === 'node-compile-cache'));
    command = await start();
    expect((await fetch(origin)).status).toBe(200);
  });
});
