/** docs/wire-format.md, for those who write a client in another language: its examples are accepted, its tables complete. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AUDIO_MAX, decodeBeacon, NETEQ_MAX, OPERATIONS_MAX, VIDEO_MAX } from '../shared/beacon.ts';
import { OBJECTIVES } from '../shared/objectives.ts';
import type { RegionInfo } from '../shared/region-info.ts';
import { REJECT_STATUS } from '../shared/reject.ts';
import { CLIENT, CONNECTION, JOIN, PATH, SENT_AUDIO, SENT_VIDEO, STATE } from '../shared/session-members.ts';
import { rejectAnswer } from '../worker/receive/problem.ts';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

const doc = read('docs/wire-format.md');
const examples = [...doc.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) => JSON.parse(text));

function exampleWith(member: string): object & { [member: string]: unknown } {
  const [example, ...others] = examples.filter((each) => member in each);
  expect(others).toEqual([]);
  return example;
}

describe("the wire format's examples", () => {
  it('are a beacon, a problem and a region', () => {
    expect(examples).toHaveLength(3);
  });

  it('have a beacon that is accepted, with every member of it', () => {
    const { token, ...beacon } = exampleWith('peers');
    expect(token).toEqual(expect.any(String));
    expect(decodeBeacon({ token, ...beacon })).toStrictEqual({ ok: true, value: beacon });
  });

  it('have the answer that an RTT in milliseconds gets', async () => {
    const rejected = decodeBeacon({ ...exampleWith('peers'), rtt: [81] });
    if (rejected.ok) throw new Error('it was accepted');
    expect(await rejectAnswer(rejected, new Headers()).json()).toEqual(exampleWith('title'));
  });

  it('have the objectives that GET /v1/region returns', () => {
    const { objectives, ...others } = exampleWith('region') as object as RegionInfo;
    expect(OBJECTIVES).toMatchObject(objectives);
    expect(others).toEqual({ region: 'apac', ttl_seconds: 30 });
  });
});

describe("the wire format's tables", () => {
  it('have every reject reason, by its status', () => {
    const rows = [...doc.matchAll(/^\| (\d{3}) \| ([^|]+) \|/gm)].flatMap(([, status, reasons = '']) =>
      [...reasons.matchAll(/`(\w+)`/g)].map(([, reason]) => [reason, Number(status)]),
    );
    expect(Object.fromEntries(rows)).toEqual(REJECT_STATUS);
  });

  it.each([
    ['peers[].audio', AUDIO_MAX],
    ['peers[].neteq', { ...NETEQ_MAX, ...OPERATIONS_MAX }],
    ['peers[].video', VIDEO_MAX],
    ['client', CLIENT],
    ['state', STATE],
    ['path', PATH],
    ['connection', CONNECTION],
    ['join', JOIN],
    ['sent.audio', SENT_AUDIO],
    ['sent.video', SENT_VIDEO],
  ])('have every member of %s, and each value of a closed set', (field, schema) => {
    const row = doc.split('\n').find((line) => line.startsWith(`| \`${field}\` |`)) ?? '';
    const words = Object.entries(schema).flatMap(([member, rule]) =>
      Array.isArray(rule) ? [member, ...rule] : [member],
    );
    expect(words.filter((word) => !row.includes(`\`${word}\``))).toEqual([]);
  });
});

describe("README's example", () => {
  it('is a beacon that is accepted', () => {
    const [, body = ''] = /curl -i \S+\/v1\/beacons .*? -d '(\{.*?\})'\n/s.exec(read('README.md')) ?? [];
    const beacon = JSON.parse(body);
    expect(decodeBeacon(beacon)).toStrictEqual({
      ok: true,
      value: { ...beacon, participant_id: beacon.session_id },
    });
  });
});
