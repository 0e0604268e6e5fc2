/**
 * `npm run demo` as a person runs it: each incident of its timetable raises its alerts within 30 s of the first degraded
 * beacon, they are resolved after it, and they agree with the board. It prints the times that it measured.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isIncidentOf } from '../../aggregator/board/verdict/judge.js';
import type { Overview } from '../../aggregator/http/answers.ts';
import { RAISES } from '../../demo/alerts/due.ts';
import { EPISODES, type EpisodeKind, TIMETABLE_EVERY_MS } from '../../demo/timetable.ts';
import { freePort } from '../../dev/ports.ts';
import { eventually } from '../support/poll.ts';
import { type RunningProcess, startProcess } from '../support/processes/process.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const WITHIN_SECONDS = 30;

/** The episodes that hit a region's people as a whole, and the region. */
const DUE = [
  { kind: 'incident', region: 'apac' },
  { kind: 'joins', region: 'us-east' },
  { kind: 'server', region: 'us-east' },
] as const satisfies readonly { kind: EpisodeKind; region: string }[];

/** Due too: in apac 40 % of the time is an incident. */
const BUDGET = 'EdgepulseRttBudgetBurnsFast (apac)';

const CAUSES = { EdgepulseRttHigh: 'rtt', EdgepulseAudioBad: 'audio', EdgepulseVideoBad: 'video' } as const;

type Fired = {
  /** With its region in parentheses. */
  readonly name: string;
  readonly atMs: number;
  readonly afterSeconds: number | undefined;
  readonly text: string;
  resolvedAfterSeconds: number | undefined;
};

/** When the board began to see an incident of this cause in a region, and for how long it did. */
type Seen = { readonly name: string; readonly fromMs: number; untilMs: number };

let folder: string;
let demo: RunningProcess;
let board: string;
const fired: Fired[] = [];
const seen: Seen[] = [];
let read = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgepulse-demo-'));
  const aggregatorPort = `${await freePort()}`;
  board = `http://127.0.0.1:${aggregatorPort}`;
  const env = {
    WORKER_PORT: `${await freePort()}`,
    AGGREGATOR_PORT: aggregatorPort,
    PROMETHEUS_PORT: `${await freePort()}`,
    TMPDIR: folder,
  };
  demo = await startProcess(process.execPath, ['demo/main.ts'], { cwd: ROOT, env });
  await demo.waitForLine(/^timetable/, 90_000);
  const startedMs = Date.now();
  const last = EPISODES.find(({ kind }) => kind === 'server');
  // The server is overloaded again after that.
  const deadlineMs = (last?.firstAfterMs ?? 0) + TIMETABLE_EVERY_MS;
  await eventually(
    async () => {
      readLines();
      await readBoard();
      expect(demo.hasExited(), demo.output()).toBe(false);
      return Date.now() - startedMs > (last?.firstAfterMs ?? 0) + (last?.lastsMs ?? 0) && dueAlerts().every(isResolved);
    },
    { deadlineMs, intervalMs: 500 },
  ).catch(() => {});
  report();
}, 300_000);

afterAll(async () => {
  await demo?.stop();
  await rm(folder, { recursive: true, force: true });
});

it.each(DUE.flatMap(({ kind, region }) => RAISES[kind].map((alert) => ({ kind, name: `${alert} (${region})` }))))(
  'the $kind episode raises $name within 30 s of the first degraded beacon, and it is resolved after it',
  ({ name }) => {
    const [first] = fired.filter((alert) => alert.name === name);
    expect(first?.afterSeconds).toBeLessThanOrEqual(WITHIN_SECONDS);
    expect(first?.resolvedAfterSeconds).toBeLessThan(TIMETABLE_EVERY_MS / 1000);
  },
);

it('raises nothing else but what the runbook lists', () => {
  const ofPeople = [...RAISES.uplink, ...RAISES.no_packets].map((alert) => `${alert} (eu-west)`);
  const names = [...new Set(fired.map(({ name }) => name))];
  expect(names.filter((name) => ![...dueNames(), ...ofPeople, BUDGET].includes(name))).toEqual([]);
  expect(names).toContain(BUDGET);
});

it('agrees with the board', () => {
  expect(seen.length).toBeGreaterThan(2);
  for (const { name, fromMs, untilMs } of seen) {
    if (untilMs - fromMs < WITHIN_SECONDS * 1000) continue;
    const alert = fired.find((one) => one.name === name && one.atMs >= fromMs);
    expect(((alert?.atMs ?? Number.NaN) - fromMs) / 1000, name).toBeLessThanOrEqual(WITHIN_SECONDS);
  }
  for (const { name, atMs } of fired) {
    if (!Object.keys(CAUSES).some((alert) => name.startsWith(`${alert} `))) continue;
    const isSeen = seen.some((one) => one.name === name && one.fromMs < atMs && atMs < one.untilMs + 20_000);
    expect(isSeen, name).toBe(true);
  }
});

it('says it in figures', () => {
  for (const { name, text } of fired) {
    expect(text, name).toMatch(/^[\d.]+/);
    expect(text, name).not.toMatch(/unknown|error|no value|NaN/i);
  }
});

function dueNames(): string[] {
  return DUE.flatMap(({ kind, region }) => RAISES[kind].map((alert) => `${alert} (${region})`));
}

function dueAlerts(): (Fired | undefined)[] {
  return dueNames().map((name) => fired.find((alert) => alert.name === name));
}

function isResolved(alert: Fired | undefined): boolean {
  return alert?.resolvedAfterSeconds !== undefined;
}

/** What the demo printed about alerts since the last look. */
function readLines(): void {
  const lines = demo.stdout().split('\n').slice(0, -1);
  for (const line of lines.slice(read)) {
    const [, name = '', after, text = ''] =
      /^\S+Z alert (\w+(?: \([^)]*\))?) fires(?:, (\d+) s after the first degraded beacon)?: (.*)$/.exec(line) ?? [];
    if (name) {
      const afterSeconds = after === undefined ? undefined : Number(after);
      fired.push({ name, atMs: Date.now(), afterSeconds, text, resolvedAfterSeconds: undefined });
    }
    const [, resolved, seconds] = /^\S+Z alert (\w+(?: \([^)]*\))?) is resolved after (\d+) s$/.exec(line) ?? [];
    const alert = fired.findLast((one) => one.name === resolved);
    if (alert) alert.resolvedAfterSeconds = Number(seconds);
  }
  read = lines.length;
}

/** By the board's own measure of an incident. */
async function readBoard(): Promise<void> {
  const { regions, incident } = (await (await fetch(`${board}/api/v1/overview`)).json()) as Overview;
  const nowMs = Date.now();
  for (const { region, live } of regions) {
    for (const [alert, cause] of Object.entries(CAUSES)) {
      if (!live || !isIncidentOf(live.impaired_sessions[cause], live.sessions - live.quiet_sessions, incident))
        continue;
      const name = `${alert} (${region})`;
      const open = seen.findLast((one) => one.name === name && nowMs - one.untilMs < 5_000);
      if (open) open.untilMs = nowMs;
      else seen.push({ name, fromMs: nowMs, untilMs: nowMs });
    }
  }
}

function report(): void {
  const rows = fired.map(({ name, afterSeconds, resolvedAfterSeconds }) => {
    const after = afterSeconds === undefined ? '' : `${afterSeconds} s after the first degraded beacon`;
    const end = resolvedAfterSeconds === undefined ? 'still fires' : `resolved after ${resolvedAfterSeconds} s`;
    return `  ${name.padEnd(40)} ${after.padEnd(40)} ${end}\n`;
  });
  process.stdout.write(`alerts of the demo:\n${rows.join('')}`);
}
