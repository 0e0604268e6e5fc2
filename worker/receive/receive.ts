/**
 * One beacon request, guard by guard: origin, address, body, token, session, schema, then on
 * to its Forwarder. Every reject passes through one function, which counts it once in its region and against
 * its address, and answers it.
 */
import { encodeEntry } from '../../shared/batch.ts';
import { decodeBeacon } from '../../shared/beacon.ts';
import { accept, type Reject, type Result, reject } from '../../shared/reject.ts';
import type { ServerLabel } from '../../shared/servers.ts';
import { laneNumberOf } from '../../shared/subjects.ts';
import type { Coalesce } from '../forward/coalescer.ts';
import { createRequestTimer, type RequestTimer, type WaitUntil } from '../forward/deadline.ts';
import type { Rejects } from '../forward/rejects.ts';
import { parseJson, readBody } from './body.ts';
import type { Claims } from './claims.ts';
import { ADDRESS_LIMITED, type Limits } from './limits.ts';
import { type AnswerFor, preflightAnswer } from './origins.ts';
import type { PlaceOf, RequestPlace } from './place.ts';
import { rejectAnswer } from './problem.ts';
import { bearerTokenOf, bodyTokenOf, type Verifier } from './token.ts';

export type ReceiverOptions = {
  readonly lanes: number;
  readonly answerFor: AnswerFor;
  readonly placeOf: PlaceOf;
  readonly verifier: Verifier;
  readonly limits: Limits;
  readonly serverLabel: ServerLabel;
  readonly coalesce: Coalesce;
  readonly rejects: Rejects;
  readonly now: () => number;
};

export type Receiver = {
  /** Answers `POST /v1/beacons`: 204 once the beacon is safe, else a problem. */
  receive(request: Request, waitUntil: WaitUntil): Promise<Response>;
  /** Answers the preflight of a request that is not CORS-simple. */
  preflight(request: Request, waitUntil: WaitUntil): Promise<Response>;
};

/** A request and what is known of it before its body is read. */
type Visit = {
  readonly request: Request;
  readonly place: RequestPlace;
  readonly atMs: number;
  readonly waitUntil: WaitUntil;
};

const ORIGIN_FORBIDDEN = reject('origin_forbidden', 'the origin is not allowed');

export function createReceiver(options: ReceiverOptions): Receiver {
  const { lanes, answerFor, placeOf, verifier, limits, serverLabel, coalesce, rejects, now } = options;
  /** For a page that may not post: no CORS header, so that it can't read the answer either. */
  const strangerHeaders = answerFor(null)?.headers ?? new Headers();

  async function take(visit: Visit, timer: RequestTimer): Promise<Result<undefined>> {
    const { request, place, atMs, waitUntil } = visit;
    const bearer = bearerTokenOf(request.headers.get('authorization'));
    const blocked = limits.isBlocked(request, atMs);
    if (blocked && !mayBeGood(visit, bearer)) return ADDRESS_LIMITED;
    const text = await readBody(request, timer);
    if (!text.ok) return text;
    const body = parseJson(text.value);
    if (!body.ok) return body;
    const token = bearer ?? bodyTokenOf(body.value);
    if (blocked && !verifier.isVerified(token, atMs)) return ADDRESS_LIMITED;
    const claims = await claimsOf(visit, token);
    if (!claims.ok) return claims;
    const limited = await limits.countBeacon(claims.value, atMs);
    if (limited) return limited;
    const decoded = decodeBeacon(body.value);
    if (!decoded.ok) return decoded;
    const beacon = decoded.value;
    const { meetingId, sessionId } = claims.value;
    if (beacon.meeting_id !== meetingId) return reject('session_mismatch', 'meeting_id is not that of the token');
    if (beacon.session_id !== sessionId) return reject('session_mismatch', 'session_id is not that of the token');
    if (beacon.server) beacon.server.url = serverLabel(beacon.server.url);
    const entry = encodeEntry({ receivedAtMs: atMs, colo: place.colo, beacon });
    const outgoing = {
      region: place.region.name,
      lane: laneNumberOf(meetingId, lanes),
      session: `${meetingId}/${sessionId}`,
      entry,
    };
    const reason = await coalesce(outgoing, { waitUntil, timer });
    return reason === undefined ? accept(undefined) : reject(reason, 'the beacon could not be stored');
  }

  /**
   * Whether to go on with a request from an address over its limit: one bad client must not silence others behind the
   * same address. Its token must already be verified. A body is read for its token only if the address has sent
   * a good token before.
   */
  function mayBeGood({ request, atMs }: Visit, bearer: string | undefined): boolean {
    return bearer === undefined ? limits.hasVerified(request) : verifier.isVerified(bearer, atMs);
  }

  function claimsOf(visit: Visit, token: string | undefined): Result<Claims> | Promise<Result<Claims>> {
    const { request, place, atMs, waitUntil } = visit;
    const countError = () => rejects.countJwksError(place.region.name, waitUntil);
    const claims = verifier.verify(token, atMs, { waitUntil, countError });
    // Remembered tokens are answered at once, and nothing more is done for them.
    return claims instanceof Promise ? claims.then(noted) : claims;

    function noted(verified: Result<Claims>): Result<Claims> {
      if (verified.ok) limits.noteVerified(request);
      return verified;
    }
  }

  async function answerReject(rejected: Reject, headers: Headers, visit: Visit): Promise<Response> {
    const { request, place, atMs, waitUntil } = visit;
    const final = (await limits.countReject(request, rejected.reason, atMs)) ?? rejected;
    rejects.count(place.region.name, final.reason, waitUntil);
    return rejectAnswer(final, headers);
  }

  async function answer(visit: Visit, timer: RequestTimer): Promise<Response> {
    try {
      const allowed = answerFor(visit.request.headers.get('origin'));
      if (!allowed) return await answerReject(ORIGIN_FORBIDDEN, strangerHeaders, visit);
      if (visit.place.rejected) return await answerReject(visit.place.rejected, allowed.headers, visit);
      const taken = await take(visit, timer);
      return taken.ok ? allowed.empty : await answerReject(taken, allowed.headers, visit);
    } finally {
      timer.stop();
    }
  }

  return {
    receive(request, waitUntil) {
      // Keeps counting a client that sends half a body and hangs up. Most requests are over by then.
      const timer = createRequestTimer(() => waitUntil(answering));
      const answering = answer({ request, place: placeOf(request), atMs: now(), waitUntil }, timer);
      return answering;
    },
    async preflight(request, waitUntil) {
      const allowed = answerFor(request.headers.get('origin'));
      if (allowed) return preflightAnswer(allowed.headers);
      const visit = { request, place: placeOf(request), atMs: now(), waitUntil };
      return answerReject(ORIGIN_FORBIDDEN, strangerHeaders, visit);
    },
  };
}
