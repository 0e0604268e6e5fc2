/** Bad input end to end: a stable 4xx for the client, a count by reason in /metrics, and nothing else. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RejectReason } from '../../shared/reject.ts';
import { validBeacon } from '../support/edge/beacon.ts';
import { testToken, unsignedToken } from '../support/edge/tokens.ts';
import type { Scrape } from '../support/metrics/scrape.ts';
import { eventually } from '../support/poll.ts';
import { postBeacon, type System, startSystem } from '../support/processes/system.ts';

const REGION = 'apac';

type Request = {
  readonly body?: string | Uint8Array<ArrayBuffer>;
  /** Absent: a valid one; null: none at all. */
  readonly token?: Promise<string> | string | null;
  readonly headers?: Record<string, string>;
};

type Case = readonly [what: string, request: Request, status: number, reason: RejectReason];

/** The builder's beacon with fields of any type. */
function beaconWith(fields: { readonly [name: string]: unknown }): string {
  return JSON.stringify({ ...validBeacon(), ...fields });
}

/** A meeting id that the schema does not allow; no token is minted for such an id, so that the schema answers first. */
function badId(id: string): Case {
  return [`a body with meeting_id ${JSON.stringify(id)}`, { body: beaconWith({ meeting_id: id }) }, 422, 'invalid_id'];
}

const bomb = new Uint8Array(gzipSync(Buffer.alloc(10_000_000, ' ')));
const samples = Array<number>(33).fill(0.1);
const peers = Array.from({ length: 65 }, (_, i) => ({ peer_id: `p${i}` }));

const CASES: readonly Case[] = [
  ['a body that is not JSON', { body: 'not json' }, 400, 'malformed_json'],
  ['an empty body', { body: '' }, 400, 'malformed_json'],
  ['a body of bytes', { body: new Uint8Array([0xff, 0xfe, 0x00]) }, 400, 'malformed_json'],
  ['a body that is an array', { body: '[]' }, 422, 'invalid_field'],
  ['a body of another version', { body: beaconWith({ v: 2 }) }, 422, 'unsupported_version'],
  ['a body with seq as text', { body: beaconWith({ seq: '1' }) }, 422, 'invalid_field'],
  ['a body with rtt as a number', { body: beaconWith({ rtt: 0.1 }) }, 422, 'invalid_field'],
  ['a body with NaN as text', { body: beaconWith({ rtt: ['NaN'] }) }, 422, 'invalid_field'],
  ['a body with Infinity as text', { body: beaconWith({ rtt: ['Infinity'] }) }, 422, 'invalid_field'],
  ['a body with 1e999', { body: beaconWith({}).replace('0.081', '1e999') }, 422, 'out_of_range'],
  ['a body with a negative RTT', { body: beaconWith({ rtt: [-0.1] }) }, 422, 'out_of_range'],
  ['a body with an RTT over 10 s', { body: beaconWith({ rtt: [10.1] }) }, 422, 'out_of_range'],
  ['a body with 33 samples', { body: beaconWith({ rtt: samples }) }, 422, 'too_many_samples'],
  ['a body with 65 peers', { body: beaconWith({ peers }) }, 422, 'too_many_peers'],
  [
    'a body with a peer twice',
    { body: beaconWith({ peers: [{ peer_id: 'p' }, { peer_id: 'p' }] }) },
    422,
    'duplicate_peer',
  ],
  ...['a b', 'a"b', 'a\nb', '*', 'a.>', 'x'.repeat(65), ''].map(badId),
  ['a body of 70 kB', { body: beaconWith({ padding: 'x'.repeat(70_000) }) }, 413, 'body_too_large'],
  [
    'a small body that inflates to 10 MB',
    { body: bomb, headers: { 'content-encoding': 'gzip' } },
    413,
    'body_too_large',
  ],
  [
    'a body of another media type',
    { headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    415,
    'unsupported_media_type',
  ],
  ['no token', { token: null }, 401, 'token_missing'],
  ['an invalid token', { token: 'x.y.z' }, 401, 'token_invalid'],
  [
    'a token of another secret',
    { token: testToken({ secret: 'another-secret-0123456789-0123456789' }) },
    401,
    'token_invalid',
  ],
  ['a token with alg none', { token: unsignedToken() }, 401, 'token_invalid'],
  // The clocks may differ by 30 s.
  ['an expired token', { token: testToken({ ttlSeconds: -31 }) }, 401, 'token_expired'],
  ['a token of another audience', { token: testToken({ claims: { aud: 'elsewhere' } }) }, 401, 'token_audience'],
  ['a token whose exp is in milliseconds', { token: testToken({ ttlSeconds: Date.now() }) }, 401, 'token_invalid'],
  ['a token for more than a day', { token: testToken({ ttlSeconds: 90_000 }) }, 401, 'token_invalid'],
  ['a token of another session', { token: testToken({ session: 's-2' }) }, 403, 'session_mismatch'],
  ['a token of another meeting', { token: testToken({ meeting: 'm-2' }) }, 403, 'session_mismatch'],
  ['a page of another origin', { headers: { origin: 'https://evil.example.com' } }, 403, 'origin_forbidden'],
];

type Answer = { readonly status: number; readonly type: string | null; readonly text: string };

let system: System;
let before: Scrape;
/** What each case was answered. All are sent before any test, so that each test can run alone. */
const answers = new Map<string, Answer>();

beforeAll(async () => {
  system = await startSystem({ ttlSeconds: 600 });
  // Something lives while the bad input comes in, so that there is something to change.
  await postBeacon(system.worker, validBeacon(), { region: REGION });
  before = await eventually(async () => {
    const metrics = await system.aggregator.metrics();
    const isQuiet = metrics.sum('edgepulse_sessions') === 1 && metrics.sum('edgepulse_forwarders') === 1;
    return isQuiet ? metrics : undefined;
  });
  for (const [what, request] of CASES) answers.set(what, await send(request));
});
afterAll(() => system?.stop());

async function send({ body = JSON.stringify(validBeacon()), token, headers = {} }: Request): Promise<Answer> {
  const bearer = token === undefined ? await testToken() : await token;
  const response = await fetch(`${system.worker.url}/v1/beacons`, {
    method: 'POST',
    headers: {
      'content-type': 'text/plain',
      'x-dev-region': REGION,
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
      ...headers,
    },
    body,
  });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

it.each(CASES)('%s is rejected', (what, _request, status, reason) => {
  const answer = answers.get(what);
  expect(answer).toMatchObject({ status, type: 'application/problem+json' });
  expect(JSON.parse(answer?.text ?? '')).toMatchObject({
    type: `/problems/${reason}`,
    title: expect.any(String),
    status,
  });
});

it('each was counted once by its reason, and no other series moved', async () => {
  const expected = Map.groupBy(CASES, ([, , , reason]) => reason);
  const after = await eventually(async () => {
    const metrics = await system.aggregator.metrics();
    for (const [reason, cases] of expected) expect(rejected(metrics, { reason }), reason).toBe(cases.length);
    return metrics;
  });
  expect(rejected(after)).toBe(CASES.length);
  expect(after.value('edgepulse_edge_beacons_total', { region: REGION, outcome: 'accepted' })).toBe(1);
  expect(rest(after)).toEqual(rest(before));
  expect(rest(after).size).toBeGreaterThan(50);
});

function rejected(metrics: Scrape, labels: { readonly reason?: RejectReason } = {}): number {
  return metrics.sum('edgepulse_edge_beacons_total', { region: REGION, outcome: 'rejected', ...labels });
}

/** All but the counters of rejections and what says how the processes themselves are. */
function rest({ samples: all }: Scrape): Map<string, number> {
  // Lag and skew are measured anew a few times a second.
  const own = /^(process|nodejs)_|^edgepulse_(edge_(beacons_total|publish_seconds)|feed_lag|clock_skew)/;
  return new Map(
    all.flatMap(({ name, labels, value }) => (own.test(name) ? [] : [[name + JSON.stringify(labels), value]])),
  );
}
