import { describe, expect, it } from 'vitest';
import { FLEET } from './fleet.ts';
import {
  describeEpisode,
  describeTimetable,
  EPISODES,
  type Episode,
  suffers,
  TIMETABLE_EVERY_MS,
} from './timetable.ts';

const START_MS = Date.UTC(2026, 10, 23, 9, 0, 0);
const [INCIDENT_EPISODE, DOWNLINK] = EPISODES as [Episode, Episode];

describe('the incident', () => {
  it.each([
    { afterMs: 0, is: false },
    { afterMs: 29_999, is: false },
    { afterMs: 30_000, is: true },
    { afterMs: 89_999, is: true },
    { afterMs: 90_000, is: false },
    { afterMs: 179_999, is: false },
    { afterMs: 180_000, is: true },
  ])('is $is at $afterMs ms', ({ afterMs, is }) => {
    expect(suffers('incident', 'apac', afterMs)).toBe(is);
  });

  it('is announced with its figures', () => {
    const line = 'an incident in apac began: RTT 280-320 ms, NetEQ expand 15-25/s';
    expect(describeEpisode(INCIDENT_EPISODE, true, START_MS)).toBe(`09:00:00Z ${line}`);
    expect(describeEpisode(INCIDENT_EPISODE, false, START_MS)).toBe('09:00:00Z the incident in apac ended');
  });
});

describe('the timetable', () => {
  it('has every episode over before it comes again, and each longer than four beacons', () => {
    for (const { lastsMs } of EPISODES) {
      expect(lastsMs).toBeLessThan(TIMETABLE_EVERY_MS);
      expect(lastsMs).toBeGreaterThan(20_000);
    }
  });

  it('has separate times for episodes that affect people who share a region or a call', () => {
    for (let ms = 0; ms < 2 * TIMETABLE_EVERY_MS; ms += 1_000) {
      const now = EPISODES.filter(({ kind, target }) => suffers(kind, target, ms)).map(({ kind }) => kind);
      expect(now.length).toBeLessThanOrEqual(3);
      for (const everybodys of ['incident', 'server']) {
        if (now.some((kind) => kind === everybodys)) expect(now).not.toContain('uplink');
      }
    }
  });

  it('is a few lines for people to read', () => {
    const lines = describeTimetable(START_MS, FLEET.regions);
    expect(lines.length).toBeLessThan(12);
    expect(lines[1]).toMatch(/^ {2}09:00:30-09:01:30Z {2}apac +has an incident: RTT 280-320 ms/);
    for (const { target } of EPISODES) expect(lines.join('\n')).toContain(target);
    for (const line of lines) expect(line.length).toBeLessThan(120);
  });

  it('leaves out what happens in a region without people', () => {
    const lines = describeTimetable(START_MS, ['us-east', 'eu-west']).join('\n');
    expect(lines).not.toContain('apac');
    for (const target of ['us-east', 'media-us-east-1.example.com', 'demo-02-host']) expect(lines).toContain(target);
    expect(describeTimetable(START_MS, ['eu-west', 'apac']).join('\n')).not.toContain('us-east');
  });

  it('says when an episode of a person begins and ends', () => {
    const begins = '09:00:40Z demo-02-host has a bad downlink: hears and sees everybody badly';
    expect(describeEpisode(DOWNLINK, true, START_MS + 40_000)).toBe(begins);
    expect(describeEpisode(DOWNLINK, false, START_MS + 85_000)).toBe('09:01:25Z demo-02-host has recovered');
  });
});
