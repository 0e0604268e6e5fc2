/** `npm start` as a person uses it: what it prints works, and however it ends nothing of it stays. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../dev/ports.ts';
import { scrape } from '../support/metrics/scrape.ts';
import { eventually } from '../support/poll.ts';
import { listeningOf } from '../support/processes/listening.ts';
import { startNatsServer } from '../support/processes/nats-server.ts';
import { type RunningProcess, startProcess } from '../support/processes/process.ts';
import { descendantsOf, isAlive, type ProcessInfo } from '../support/processes/process-tree.ts';

const ROOT = join(import.meta.dirname, '..', '..');
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

const START = [process.execPath, 'dev/main.ts'];
const DEMO = [process.execPath, 'demo/main.ts'];

async function start(env: Record<string, string> = {}, command = START) {
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

/** NATS, the worker and the aggregator all listen, and nobody but this machine can reach them. */
async function expectOnLoopback(family: readonly ProcessInfo[]): Promise<void> {
  if (process.platform !== 'linux') return;
  const listening = await listeningOf(family.map(({ pid }) => pid));
  const ours = [ports.WORKER_PORT, ports.AGGREGATOR_PORT].map((port) => `127.0.0.1:${port}`);
  expect(listening).toEqual(expect.arrayContaining(ours));
  expect(listening.length).toBeGreaterThan(ours.length);
  expect(listening.filter((address) => !address.startsWith('127.0.0.1:'))).toEqual([]);
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
    // It works again long before the session has expired: the second is a beacon of its own, not the first once more.
    await eventually(async () => {
      expect(await shell(commandIn(running, 'curl -i'))).toMatch(/^HTTP\/1\.1 204 /m);
      const metrics = await scrape(`http://127.0.0.1:${ports.AGGREGATOR_PORT}/metrics`);
      expect(metrics.sum('edgepulse_beacons_lost_total')).toBe(0);
      return metrics.sum('edgepulse_beacons_total', { outcome: 'applied' }) >= 2;
    });
    const family = await familyOf(running);
    await expectOnLoopback(family);
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
        CANARY_SECRET: 'another $ecret of more than 32 bytes #2',
        SESSION_TTL_SECONDS: '77',
      });
      const family = await familyOf(running);
      expect(family.map(({ command }) => command).join('\n')).not.toContain('nats-server');
      expect(family.map(({ command }) => command).join('\n')).not.toContain('my own');
      await running.waitForLine(/disappears 77 s after/);
      expect(await shell(commandIn(running, 'curl -i'))).toMatch(/^HTTP\/1\.1 204 /m);
      await eventually(async () =>
        /^edgepulse_session_rtt_seconds\{region="mine",.*"hello-1"/m.test(await shell(commandIn(running, 'curl -s'))),
      );
      // The stack's own clock runs the Cron Trigger, and the signature is the one that the aggregator asks for.
      await eventually(async () => {
        const metrics = await scrape(`http://127.0.0.1:${ports.AGGREGATOR_PORT}/metrics`);
        expect(metrics.sum('edgepulse_canaries_rejected_total')).toBe(0);
        expect(metrics.sum('edgepulse_beacons_total')).toBe(1);
        return (metrics.value('edgepulse_canary_age_seconds', { region: 'mine' }) ?? Number.NaN) < 60;
      });
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
    expect(running.output()).toMatch(new RegExp(`^${name} ended unexpectedly .*; everything else was stopped$`, 'm'));
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

  it('rejects a port in use with one line, and starts nothing', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(Number(ports.AGGREGATOR_PORT), '0.0.0.0', resolve));
    try {
      const running = await start();
      expect(await running.exited).toEqual({ code: 1, signal: null });
      expect(running.output()).toBe(`AGGREGATOR_PORT: port ${ports.AGGREGATOR_PORT} is already in use\n`);
      expect(await leftovers()).toEqual([]);
    } finally {
      await new Promise((resolve) => blocker.close(resolve));
    }
  });

  it('names every problem of the environment in a line each, and starts nothing', async () => {
    const running = await start({
      WORKER_PORT: 'abc',
      LANES: '0',
      SESSION_TTL_SECONDS: 'soon',
      BEACON_JWKS_URL: 'jwks.json',
    });
    expect(await running.exited).toEqual({ code: 1, signal: null });
    expect(running.output()).toBe(
      [
        'WORKER_PORT: is not a port number from 1 to 65535',
        'LANES: is not an integer from 1 to 256',
        'SESSION_TTL_SECONDS: is not an integer from 1 to 3600',
        'BEACON_JWKS_URL: is not a URL with https:// or http://',
        '',
      ].join('\n'),
    );
    expect(await leftovers()).toEqual([]);
  });

  it('says within 5 s that it cannot reach NATS_URL, without the password in it', async () => {
    const nats = await freePort();
    const startedAt = performance.now();
    const running = await start({ NATS_URL: `nats://user:s3cret@127.0.0.1:${nats}` });
    expect(await running.exited).toEqual({ code: 1, signal: null });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(running.output()).toBe(`NATS_URL: no NATS server at nats://127.0.0.1:${nats} (connection refused)\n`);
    expect(await leftovers()).toEqual([]);
  });
});

describe.each([
  ['npm start', START],
  ['npm run demo', DEMO],
])('%s -- --help', (name, command) => {
  it('says how it is used, and starts nothing', async () => {
    const running = await start({}, [...command, '--help']);
    expect(await running.exited).toEqual({ code: 0, signal: null });
    expect(running.stdout()).toMatch(new RegExp(`^usage: ${name} -- `));
    for (const word of ['--verbose', 'WORKER_PORT', 'AGGREGATOR_PORT', 'NATS_URL', 'README.md']) {
      expect(running.stdout()).toContain(word);
    }
    expect(await leftovers()).toEqual([]);
  });

  it('is pointed to by an unknown option', async () => {
    const running = await start({}, [...command, '--loud']);
    expect(await running.exited).toEqual({ code: 2, signal: null });
    expect(running.output()).toContain("'--loud'");
    expect(running.output()).toContain(`Run "${name} -- --help" for usage.`);
  });
});

describe('npm run demo', () => {
  it('says which regions its clients need when REGIONS lacks them, and starts nothing', async () => {
    const running = await start({ REGIONS: '[{"name":"apac","latitude":1.35,"longitude":103.8}]' }, DEMO);
    expect(await running.exited).toEqual({ code: 1, signal: null });
    expect(running.output()).toBe('REGIONS: the simulated clients need us-east, eu-west too\n');
    expect(await leftovers()).toEqual([]);
  });

  it('has three regions of sessions in /metrics within 60 s of the ready line', async () => {
    const running = await startReady({}, DEMO);
    await running.waitForLine(/^timetable, repeated every 150 s:$/);
    await running.waitForLine(/^ {2}[0-9:]{8}-[0-9:]{8}Z {2}apac +has an incident: /);
    const url = `http://127.0.0.1:${ports.AGGREGATOR_PORT}/metrics`;
    await eventually(
      async () => {
        const metrics = await scrape(url);
        const sessions = ['us-east', 'eu-west', 'apac'].map((region) =>
          metrics.all('edgepulse_sessions', { region }).reduce((total, { value }) => total + value, 0),
        );
        return sessions.every((count) => count >= 10) && sessions.reduce((a, b) => a + b) >= 60;
      },
      { deadlineMs: 30_000, intervalMs: 500 },
    );
    // Loss is a difference of counters: there is one from the second beacon on.
    await eventually(
      async () => {
        const metrics = await scrape(url);
        expect(metrics.sum('edgepulse_edge_beacons_total', { outcome: 'rejected' })).toBe(0);
        expect(metrics.sum('edgepulse_beacons_total', { outcome: 'invalid' })).toBe(0);
        expect(metrics.sum('edgepulse_implausible_total')).toBe(0);
        expect(metrics.sum('edgepulse_joins_total', { result: 'ok' })).toBeGreaterThanOrEqual(60);
        expect(metrics.sum('edgepulse_sessions_by_client')).toBeGreaterThanOrEqual(60);
        return metrics.all('edgepulse_live_audio_packet_loss_ratio_count').some(({ value }) => value > 0);
      },
      { deadlineMs: 30_000, intervalMs: 500 },
    );
    const [, prometheus] = await running.waitForLine(/^prometheus {2}(http:\S+)\/alerts/);
    expect((await fetch(`${prometheus}/-/ready`)).status).toBe(200);
    const family = await familyOf(running);
    expect(family.filter(({ command }) => /prometheus --config/.test(command))).toHaveLength(1);
    running.signal('SIGTERM');
    expect(await running.exited).toEqual({ code: 0, signal: null });
    await expectNothingLeft(family);
  });
});
