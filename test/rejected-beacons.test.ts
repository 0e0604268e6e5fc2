/** Bad input end to end: a stable 4xx for the client, a count by reason in /metrics, and nothing else. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RejectReason } from '../shared/reject.ts';
import { validBeacon } from './support/edge/beacon.ts';
import { testToken, unsignedToken } from './support/edge/tokens.ts';
import type { Scrape } from './support/metrics/scrape.ts';
import { eventually } from './support/poll.ts';
import { postBeacon, type System, startSystem } from './support/processes/system.ts';

const REGION = 'apac';

let system: System;
let token: string;
let before: Scrape;
/** What was sent, by the reason that it should be refused for. */
const expected = new Map<RejectReason, number>();
beforeAll(async () => {
  system = await startSystem({ ttlSeconds: 600 });
  token = await testToken();
  // Something lives while the bad input comes in, so that there is something to change.
  await postBeacon(system.worker, validBeacon(), { region: REGION, token });
  before = await eventually(async () => {
    const metrics = await system.aggregator.metrics();
    return metrics.sum('edgepulse_sessions') === 1 ? metrics : undefined;
  });
});
afterAll(() => system?.stop());

type Send = {
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly token?: string | null;
  readonly headers?: Record<string, string>;
};

function send({ body = JSON.stringify(validBeacon()), token: bearer = token, headers = {} }: Send): Promise<Response> {
  return fetch(`${system.worker.url}/v1/beacons`, {
    method: 'POST',
    headers: {
      'content-type': 'text/plain',
      'x-dev-region': REGION,
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
      ...headers,
    },
    body,
  });
}

/** The builder's beacon with fields of any type. */
function beaconWith(fields: { readonly [name: string]: unknown }): string {
  return JSON.stringify({ ...validBeacon(), ...fields });
}

function ids(bad: string): [string, string, 422, RejectReason] {
  return [`meeting_id ${JSON.stringify(bad)}`, beaconWith({ meeting_id: bad }), 422, 'invalid_id'];
}

/** Counters of refusals may move, and what says how the processes themselves are. */
function rest({ samples }: Scrape): Map<string, number> {
  const own = /^(process|nodejs)_|^edgepulse_edge_(beacons_total|publish_seconds)/;
  return new Map(
    samples.flatMap(({ name, labels, value }) => (own.test(name) ? [] : [[name + JSON.stringify(labels), value]])),
  );
}

/** Expects the refusal as the client sees it; how it is counted is looked at when all were sent. */
async function expectRefusal(answer: Response, status: number, reason: RejectReason): Promise<void> {
  expected.set(reason, (expected.get(reason) ?? 0) + 1);
  const text = await answer.text();
  expect({ status: answer.status, type: answer.headers.get('content-type') }).toEqual({
    status,
    type: 'application/problem+json',
  });
  expect(JSON.parse(text)).toMatchObject({ type: `/problems/${reason}`, title: expect.any(String), status });
}

describe('a body', () => {
  it.each<[string, string | Uint8Array<ArrayBuffer>, number, RejectReason]>([
    ['that is not JSON', 'not json', 400, 'malformed_json'],
    ['that is empty', '', 400, 'malformed_json'],
    ['that is bytes', new Uint8Array([0xff, 0xfe, 0x00]), 400, 'malformed_json'],
    ['of an array', '[]', 422, 'invalid_field'],
    ['of another version', beaconWith({ v: 2 }), 422, 'unsupported_version'],
    ['with seq as text', beaconWith({ seq: '1' }), 422, 'invalid_field'],
    ['with rtt as a number', beaconWith({ rtt: 0.1 }), 422, 'invalid_field'],
    ['with NaN as text', beaconWith({ rtt: ['NaN'] }), 422, 'invalid_field'],
    ['with Infinity as text', beaconWith({ rtt: ['Infinity'] }), 422, 'invalid_field'],
    ['with 1e999', beaconWith({}).replace('0.081', '1e999'), 422, 'out_of_range'],
    ['with a negative RTT', beaconWith({ rtt: [-0.1] }), 422, 'out_of_range'],
    ['with an RTT over 60 s', beaconWith({ rtt: [60.1] }), 422, 'out_of_range'],
    ['with 33 samples', beaconWith({ rtt: Array(33).fill(0.1) }), 422, 'too_many_samples'],
    [
      'with 65 peers',
      beaconWith({ peers: Array.from({ length: 65 }, (_, i) => ({ peer_id: `p${i}` })) }),
      422,
      'too_many_peers',
    ],
    ['with a peer twice', beaconWith({ peers: [{ peer_id: 'p' }, { peer_id: 'p' }] }), 422, 'duplicate_peer'],
    ids('a b'),
    ids('a"b'),
    ids('a\nb'),
    ids('*'),
    ids('a.>'),
    ids('x'.repeat(65)),
    ids(''),
    ['of 70 kB', beaconWith({ padding: 'x'.repeat(70_000) }), 413, 'body_too_large'],
  ])('%s is refused', async (_, body, status, reason) => {
    // A token of the meeting that the body claims would be minted for no such id: the schema answers first.
    await expectRefusal(await send({ body }), status, reason);
  });

  it('that inflates to 10 MB is refused', async () => {
    const body = new Uint8Array(gzipSync(Buffer.alloc(10_000_000, ' ')));
    expect(body.length).toBeLessThan(20_000);
    await expectRefusal(await send({ body, headers: { 'content-encoding': 'gzip' } }), 413, 'body_too_large');
  });

  it('of another media type is refused', async () => {
    await expectRefusal(
      await send({ headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      415,
      'unsupported_media_type',
    );
  });
});

describe('a token', () => {
  it.each<[string, () => Promise<string | null> | string | null, number, RejectReason]>([
    ['that is missing', () => null, 401, 'token_missing'],
    ['that is no token', () => 'x.y.z', 401, 'token_invalid'],
    ['of another secret', () => testToken({ secret: 'another-secret-0123456789-0123456789' }), 401, 'token_invalid'],
    ['with alg none', () => unsignedToken(), 401, 'token_invalid'],
    // The clocks may differ by 30 s.
    ['that has expired', () => testToken({ ttlSeconds: -31 }), 401, 'token_expired'],
    ['of another audience', () => testToken({ audience: 'elsewhere' }), 401, 'token_audience'],
    ['of another session', () => testToken({ session: 's-2' }), 403, 'session_mismatch'],
    ['of another meeting', () => testToken({ meeting: 'm-2' }), 403, 'session_mismatch'],
  ])('%s is refused', async (_, mint, status, reason) => {
    const bearer = await mint();
    await expectRefusal(await send({ token: bearer }), status, reason);
  });
});

it('a page of another origin is refused', async () => {
  await expectRefusal(await send({ headers: { origin: 'https://evil.example.com' } }), 403, 'origin_forbidden');
});

it('each was counted once by its reason, and no other series moved', async () => {
  const rejected = ({ samples }: Scrape) =>
    new Map(
      samples.flatMap(({ name, labels, value }) =>
        name === 'edgepulse_edge_beacons_total' && labels.outcome === 'rejected' && value > 0
          ? [[labels.reason, value]]
          : [],
      ),
    );
  const after = await eventually(async () => {
    const metrics = await system.aggregator.metrics();
    expect(rejected(metrics)).toEqual(expected);
    return metrics;
  });
  expect(after.sum('edgepulse_edge_beacons_total', { region: REGION, outcome: 'rejected' })).toBe(
    [...expected.values()].reduce((sum, count) => sum + count, 0),
  );
  expect(after.value('edgepulse_edge_beacons_total', { region: REGION, outcome: 'accepted' })).toBe(1);
  expect(rest(after)).toEqual(rest(before));
});
