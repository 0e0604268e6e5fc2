import { readFile } from 'node:fs/promises';
import { parse as parseToml } from 'smol-toml';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeBeacon } from '../shared/beacon.ts';
import { serverLabeler } from '../shared/servers.ts';
import { createFleet, FLEET, type Posting } from './fleet.ts';
import { play, START_MS, type Step, stepsOf } from './testing.ts';
import { EPISODES } from './timetable.ts';

const SIX_MINUTES_MS = 360_000;

let sent: Posting[];
let sizes: number[];
let sessions: Map<string, Posting[]>;
let steps: Step[];

beforeAll(() => {
  ({ sent, sizes } = play({ seed: 7, forMs: SIX_MINUTES_MS }));
  sessions = Map.groupBy(sent, ({ beacon }) => beacon.session_id);
  steps = stepsOf(sent);
});

describe('the fleet', () => {
  it('is the same for the same seed and another for another', () => {
    expect(play({ seed: 7, forMs: SIX_MINUTES_MS }).sent).toEqual(sent);
    expect(play({ seed: 8, forMs: SIX_MINUTES_MS }).sent).not.toEqual(sent);
  });

  it.each([7, 50, 1_000, 4_999])('is the same when it is asked every %i ms', (stepMs) => {
    const asked = play({ seed: 7, forMs: 60_000, stepMs }).sent;
    expect(asked.length).toBeGreaterThan(700);
    expect(asked).toEqual(sent.slice(0, asked.length));
  });

  it('posts one beacon a person after the machine has slept, and goes on from there', () => {
    const fleet = createFleet({ seed: 7, startMs: START_MS });
    fleet.advance(START_MS + 6_000);
    const wokenMs = START_MS + 3_600_000;
    const ids = fleet.advance(wokenMs).map(({ beacon }) => beacon.session_id);
    expect(ids.length).toBeGreaterThanOrEqual(60);
    expect(new Set(ids).size).toBe(ids.length);
    expect(fleet.advance(wokenMs + 1_000).length).toBeLessThan(30);
  });

  it('always has at least 60 people, in twelve meetings and three regions', () => {
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(60);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(FLEET.meetings * FLEET.most);
    expect(new Set(sent.map(({ beacon }) => beacon.meeting_id)).size).toBe(12);
    expect(new Set(sent.map(({ region }) => region))).toEqual(new Set(['us-east', 'eu-west', 'apac']));
  });

  it('sends what the decoder accepts, unchanged', () => {
    for (const { beacon } of sent) expect(decodeBeacon(beacon)).toEqual({ ok: true, value: beacon });
  });

  it('numbers the beacons of a session without a gap and sends one every 5 s', () => {
    expect(steps.length).toBeGreaterThan(1_000);
    for (const { before, after } of steps) {
      expect(after.beacon.seq).toBe(before.beacon.seq + 1);
      if (!after.beacon.leaving) expect(after.atMs - before.atMs).toBeCloseTo(5_000, 3);
    }
  });

  it('staggers its beacons', () => {
    const perSecond = Map.groupBy(sent, ({ atMs }) => Math.floor((atMs - START_MS) / 1000));
    const most = Math.max(...[...perSecond.values()].map((second) => second.length));
    expect(most).toBeLessThan(40);
  });

  it('has people who join, who leave with a last beacon, and who vanish', () => {
    const endMs = START_MS + SIX_MINUTES_MS;
    const last = [...sessions.values()].map((beacons) => beacons.at(-1) as Posting);
    const joined = [...sessions.values()].filter(([first]) => first && first.atMs > START_MS + 6_000);
    const left = last.filter(({ beacon }) => beacon.leaving);
    const vanished = last.filter(({ atMs, beacon }) => !beacon.leaving && atMs < endMs - 6_000);
    expect(joined.length).toBeGreaterThan(10);
    expect(left.length).toBeGreaterThan(10);
    expect(vanished.length).toBeGreaterThan(5);
  });

  it('has the people, servers and regions of the timetable, from beginning to end', () => {
    const servers = new Set(sent.map(({ beacon }) => new URL(beacon.server?.url ?? '').hostname));
    for (const { kind, target } of EPISODES) {
      if (kind === 'server') expect(servers).toContain(target);
      else if (kind === 'incident' || kind === 'joins') expect(FLEET.regions).toContain(target);
      else expect(sessions.get(target)?.length).toBeGreaterThanOrEqual(SIX_MINUTES_MS / 5_000 - 1);
    }
  });

  it('names servers that wrangler.toml lists', async () => {
    const { vars } = parseToml(await readFile(`${import.meta.dirname}/../wrangler.toml`, 'utf8'));
    const label = serverLabeler((vars as { SERVERS: string[] }).SERVERS);
    for (const { beacon } of sent) expect(label(beacon.server?.url ?? '')).toBe(beacon.server?.url);
  });
});
