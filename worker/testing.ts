/**
 * What the worker's tests share: tokens, and a receiver made of the real parts, whose Forwarders are a
 * recording fake of their port.
 */
import { createHmac } from 'node:crypto';
import * as v from 'valibot';
import { expect } from 'vitest';
import { decodeBatch, type Entry, encodeBatchHeader, encodeEntry } from '../shared/batch.ts';
import { type CanaryClaim, canaryText } from '../shared/canary.ts';
import { type Region, RegionsSchema } from '../shared/regions.ts';
import { REJECT_STATUS, type RejectReason } from '../shared/reject.ts';
import { serverLabeler } from '../shared/servers.ts';
import { validBeacon } from '../test/support/edge/beacon.ts';
import { TEST_SECRET, testClaims, testToken } from '../test/support/edge/tokens.ts';
import type { ForwardAnswer, ForwardCall } from './forward/call.ts';
import { createForwarderClient } from './forward/client.ts';
import { createCoalescer } from './forward/coalescer.ts';
import type { Rejects } from './forward/rejects.ts';
import { joinBytes } from './forwarder/entries.ts';
import { log } from './log.ts';
import type { Jwks } from './receive/jwks.ts';
import { createLimits, type LimitBindings } from './receive/limits.ts';
import { createAnswerFor, parseOrigins } from './receive/origins.ts';
import { createPlaceOf } from './receive/place.ts';
import { createReceiver, type Receiver } from './receive/receive.ts';
import { createVerifier, type VerifierOptions } from './receive/token.ts';

export const SECRET = TEST_SECRET;
export const NOW_MS = 1_800_000_000_000;
export const BEACONS_URL = 'https://edge.example.com/v1/beacons';

export const regions: Region[] = v.parse(RegionsSchema, [
  { name: 'eu-west', latitude: 50.1, longitude: 8.7, hint: 'weur', colos: ['FRA'] },
  { name: 'apac', latitude: 1.35, longitude: 103.8, hint: 'apac', colos: ['SIN'] },
]);

/** The claims of a token for the session of `validBeacon`, an hour from now. */
export function validClaims(overrides: { [claim: string]: unknown } = {}): { [claim: string]: unknown } {
  return testClaims({ nowMs: NOW_MS, claims: overrides });
}

export function signedToken(overrides: { [claim: string]: unknown } = {}, secret = SECRET): Promise<string> {
  return testToken({ nowMs: NOW_MS, claims: overrides, secret });
}

export type ForwarderCall = { readonly name: string; readonly hint: string | undefined; readonly call: ForwardCall };

export type TestReceiver = Receiver & {
  readonly calls: ForwarderCall[];
  readonly rejects: Rejects;
  /** Posts to the receiver; `cf` says that it came in at Singapore by default. */
  post(body: BodyInit | null, init?: RequestInit): Promise<Response>;
  /** The entries of every call so far. */
  entries(): Entry[];
  /** Takes the counts of rejected requests in a region so far. */
  rejectCounts(region?: string): { [Reason in RejectReason]?: number };
};

export type TestReceiverOptions = {
  readonly forward?: (call: ForwardCall) => Promise<ForwardAnswer>;
  readonly limits?: LimitBindings;
  readonly jwks?: Jwks;
  readonly tokens?: Pick<VerifierOptions, 'maxSeconds' | 'revoked'>;
  readonly origins?: string;
  readonly now?: () => number;
};

export function testReceiver(options: TestReceiverOptions = {}): TestReceiver {
  const { forward = async () => ({ rejected: [] }), limits = {}, jwks, now = () => NOW_MS } = options;
  const calls: ForwarderCall[] = [];
  let coalescerMs = 0;
  const find = (name: string, hint: string | undefined) => ({
    forward: (call: ForwardCall) => {
      calls.push({ name, hint, call });
      return forward(call);
    },
  });
  const { send, rejects } = createForwarderClient({
    find,
    regions,
    forwarders: 1,
    topology: 'topology-1',
    now,
    random: () => 0,
    newId: () => 'isolate-1',
    log,
  });
  const receiver = createReceiver({
    lanes: 16,
    answerFor: createAnswerFor(parseOrigins(options.origins ?? 'https://app.example.com', false).origins),
    placeOf: createPlaceOf(regions, false),
    verifier: createVerifier({ secret: SECRET, jwks, ...options.tokens }),
    limits: createLimits(limits),
    serverLabel: serverLabeler(['https://media-apac-1.example.com']),
    // The clock moves a second with every reading, so that no call waits to gather beacons.
    coalesce: createCoalescer({ send, now: () => (coalescerMs += 1_000) }),
    rejects,
    now,
  });
  return {
    ...receiver,
    calls,
    rejects,
    post: (body, { headers, ...init } = {}) => {
      const request = new Request(BEACONS_URL, {
        method: 'POST',
        body,
        headers: { 'content-type': 'text/plain;charset=UTF-8', ...headers },
        cf: { colo: 'SIN' },
        ...init,
      });
      return receiver.receive(request, () => undefined);
    },
    entries: () => calls.flatMap(({ call }) => entriesOf(call.entries)),
    rejectCounts: (region = 'apac') => {
      const report = rejects.take(region, 0);
      if (report) rejects.callEnded(region, report, 'taken');
      return report?.rejected ?? {};
    },
  };
}

/** Entries as they stand one after the other in a call, in a batch, or in the spool. */
export function entriesOf(bytes: Uint8Array): Entry[] {
  const header = encodeBatchHeader({ slot: 0, epoch: 'none', accepted: 0, sentAtMs: 0 });
  const batch = decodeBatch(joinBytes([header, bytes]));
  if (!batch.ok || batch.value.invalid > 0) throw new Error('not entries');
  return batch.value.entries;
}

/** What the worker must sign a canary with; the aggregator's tests hold it to the same. */
export function canarySignature(claim: CanaryClaim): string {
  return createHmac('sha256', SECRET).update(canaryText(claim)).digest('base64url');
}

export type TestBeacon = {
  readonly lane?: number;
  readonly session?: string;
  readonly seq?: number;
  readonly peers?: number;
};

/** A call with these beacons, of an isolate that has more calls to make. */
export function callOf(beacons: readonly TestBeacon[], overrides: Partial<ForwardCall> = {}): ForwardCall {
  const {
    peers: [peer],
  } = validBeacon();
  const entries = beacons.map(({ session = 's-1', seq = 0, peers = 1 }) => {
    const received = Array.from({ length: peers }, (_, i) => ({ ...peer, peer_id: `peer-${i}` }));
    return encodeEntry({
      receivedAtMs: NOW_MS,
      colo: 'SIN',
      beacon: validBeacon({ session_id: session, seq, peers: received }),
    });
  });
  return {
    entries: joinBytes(entries),
    lengths: Uint32Array.from(entries, ({ length }) => length),
    lanes: Uint8Array.from(beacons, ({ lane = 0 }) => lane),
    sessions: beacons.map(({ session = 's-1' }) => `m-1/${session}`),
    isolate: 'isolate-1',
    isLast: false,
    topology: 'topology-1',
    counts: undefined,
    ...overrides,
  };
}

/** Expects a request to have been rejected for that reason alone: answered as such, counted once, forwarded nowhere. */
export async function expectRejected(receiver: TestReceiver, answer: Response, reason: RejectReason): Promise<void> {
  expect(answer.status).toBe(REJECT_STATUS[reason]);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(await answer.json()).toMatchObject({ type: `/problems/${reason}`, status: REJECT_STATUS[reason] });
  expect(receiver.rejectCounts()).toStrictEqual({ [reason]: 1 });
  expect(receiver.entries()).toStrictEqual([]);
}
