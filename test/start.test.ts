/** `npm start` as a person uses it: what it prints works, and however it ends nothing of it stays. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { freePort } from '../dev/ports.ts';
import { eventually } from './support/poll.ts';
import { startNatsServer } from './support/processes/nats-server.ts';
import { type RunningProcess, startProcess } from './support/processes/process.ts';
import { descendantsOf, isAlive, type ProcessInfo } from './support/processes/process-tree.ts';

const ROOT = join(import.meta.dirname, '..');
const READY = /^ready .*$/;

let folder: string;
let ports: { WORKER_PORT: string; AGGREGATOR_PORT: string };
const started: RunningProcess[] = [];

// Two starts in a row on a machine that has other things to do.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgepulse-start-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  ports = { WORKER_PORT: `${await freePort()}`, AGGREGATOR_PORT: `${await freePort()}` };
});
afterEach(async () => {
  for (const process of started.splice(0)) await process.kill();
});

async function start(env: Record<string, string> = {}, command = [process.execPath, 'dev/start.ts']) {
  const [file = '', ...args] = command;
  const running = await startProcess(file, args, { cwd: ROOT, env: { ...ports, TMPDIR: folder, ...env } });
  started.push(running);
  return running;
}

async function startReady(env?: Record<string, string>, command?: string[]): Promise<RunningProcess> {
  const running = await start(env, command);
  await running.waitForLine(READY, 90_000);
  return running;
}

/** Whoever descends from it by now, found before its end and looked for after it. */
async function familyOf(running: RunningProcess): Promise<ProcessInfo[]> {
  const family = await descendantsOf(running.pid);
  const names = family.map(({ command }) => command).join('\n');
  for (const part of ['aggregator/main.ts', 'wrangler', 'workerd', 'dev/processes/guard.ts'])
    expect(names).toContain(part);
  return family;
}

async function expectNothingLeft(family: readonly ProcessInfo[]): Promise<void> {
  await eventually(() => {
    expect(family.filter(({ pid }) => isAlive(pid)).map(({ command }) => command)).toEqual([]);
    return true;
  });
  // Its stores and secrets lay there.
  await eventually(async () => {
    expect(await leftovers()).toEqual([]);
    return true;
  });
}

/** In the folder for temporary files; the cache of compiled code is npm's own. */
async function leftovers(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name !== 'node-compile-cache');
}

async function shell(command: string): Promise<string> {
  const running = await startProcess('sh', ['-c', command]);
  await running.exited;
  return running.output();
}

/** The printed command that starts so. */
function commandIn(running: RunningProcess, beginning: string): string {
  const line = running
    .stdout()
    .split('\n')
    .find((text) => text.startsWith(`  ${beginning}`));
  expect(line, running.output()).toBeDefined();
  return line ?? '';
}

describe('npm start', () => {
  it('prints one ready line and commands that work as printed, and starts again at once after SIGTERM', async () => {
    const running = await startReady();
    await running.waitForLine(/grep 'hello-1'/);
    expect(running.stdout().match(/^ready/gm)).toHaveLength(1);
    // Nobody's terminal: no colours.
    expect(running.output()).not.toContain('\u001b');
    expect(await shell(commandIn(running, 'curl -i'))).toMatch(/^HTTP\/1\.1 204 /m);
    await eventually(async () =>
      /^edgepulse_session_rtt_seconds\{region="[a-z-]+",.*"hello-1"/m.test(await shell(commandIn(running, 'curl -s'))),
    );
    const family = await familyOf(running);
    running.signal('SIGTERM');
    expect(await running.exited).toEqual({ code: 0, signal: null });
    await expectNothingLeft(family);

    const again = await startReady();
    const secondFamily = await familyOf(again);
    again.signal('SIGINT');
    expect(await again.exited).toEqual({ code: 0, signal: null });
    await expectNothingLeft(secondFamily);
  });

  it('uses NATS_URL, BEACON_SECRET and the settings of both apps when they are given', async () => {
    const nats = await startNatsServer();
    try {
      const running = await startReady({
        NATS_URL: nats.url,
        LANES: '2',
        SERVERS: 'https://mine.example.com',
        REGIONS: '[{"name":"mine","latitude":50.1,"longitude":8.7}]',
        BEACON_SECRET: 'my own $ecret of more than 32 bytes #1',
        SESSION_TTL_SECONDS: '77',
      });
      const family = await familyOf(running);
      expect(family.map(({ command }) => command).join('\n')).not.toContain('nats-server');
      expect(family.map(({ command }) => command).join('\n')).not.toContain('my own');
      await running.waitForLine(/gone 77 s after/);
      expect(await shell(commandIn(running, 'curl -i'))).toMatch(/^HTTP\/1\.1 204 /m);
      await eventually(async () =>
        /^edgepulse_session_rtt_seconds\{region="mine",.*"hello-1"/m.test(await shell(commandIn(running, 'curl -s'))),
      );
      running.signal('SIGHUP');
      expect(await running.exited).toEqual({ code: 0, signal: null });
      await expectNothingLeft(family);
    } finally {
      await nats.stop();
    }
  });

  it.each([
    ['nats-server', 'nats-server'],
    ['aggregator', 'aggregator/main.ts'],
    ['worker', 'wrangler-dist/cli.js'],
    ['worker', 'workerd serve'],
  ])('stops everything and says so when its %s is killed (%s)', async (name, command) => {
    const running = await startReady();
    const family = await familyOf(running);
    const victim = family.find((process) => process.command.includes(command));
    expect(victim).toBeDefined();
    process.kill(victim?.pid ?? Number.NaN, 'SIGKILL');
    expect(await running.exited).toEqual({ code: 1, signal: null });
    expect(running.output()).toMatch(new RegExp(`^${name} ended .*the others are stopped`, 'm'));
    await expectNothingLeft(family);
  });

  it('leaves nothing behind when it is killed itself', async () => {
    const running = await startReady();
    const family = await familyOf(running);
    running.signal('SIGKILL');
    await expectNothingLeft(family);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('under npm leaves nothing behind after %s to npm', async (signal) => {
    const running = await startReady({}, ['npm', 'start']);
    const family = await familyOf(running);
    running.signal(signal);
    await running.exited;
    await expectNothingLeft(family);
  });

  it('refuses a port in use with one line, and starts nothing', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(Number(ports.AGGREGATOR_PORT), '0.0.0.0', resolve));
    try {
      const running = await start();
      expect(await running.exited).toEqual({ code: 1, signal: null });
      expect(running.output()).toBe(`port ${ports.AGGREGATOR_PORT} is in use: set AGGREGATOR_PORT to another\n`);
      expect(await leftovers()).toEqual([]);
    } finally {
      await new Promise((resolve) => blocker.close(resolve));
    }
  });

  it('shows why a part did not come up', async () => {
    const running = await start({ SESSION_TTL_SECONDS: 'soon' });
    expect(await running.exited).toEqual({ code: 1, signal: null });
    expect(running.output()).toMatch(/^aggregator ended \(exit code 1\); the others are stopped/m);
    expect(running.output()).toContain('SESSION_TTL_SECONDS');
    expect(await leftovers()).toEqual([]);
  });
});

describe('npm run demo', () => {
  it('has three regions of sessions in /metrics within 60 s of the ready line', async () => {
    const running = await startReady({}, [process.execPath, 'dev/start.ts', '--demo']);
    await eventually(
      async () => {
        const text = await (await fetch(`http://127.0.0.1:${ports.AGGREGATOR_PORT}/metrics`)).text();
        const sum = (region: string) =>
          [...text.matchAll(new RegExp(`^edgepulse_sessions\\{region="${region}".*\\} (\\d+)$`, 'gm'))].reduce(
            (total, [, count]) => total + Number(count),
            0,
          );
        const sessions = ['us-east', 'eu-west', 'apac'].map(sum);
        return sessions.every((count) => count >= 10) && sessions.reduce((a, b) => a + b) >= 60;
      },
      { deadlineMs: 30_000, intervalMs: 500 },
    );
    const family = await familyOf(running);
    running.signal('SIGTERM');
    expect(await running.exited).toEqual({ code: 0, signal: null });
    await expectNothingLeft(family);
  });
});
