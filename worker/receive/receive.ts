/**
 * The way of one beacon request, in order, guard by guard: origin, body, token, schema, limits, then on to
 * its Forwarder. Every refusal leaves through one place, which counts it once in its region and answers it.
 */
import { decodeBeacon } from '../../shared/beacon.ts';
import { encodeEntry } from '../../shared/envelope.ts';
import { accept, type Reject, type Result, reject } from '../../shared/reject.ts';
import type { ServerLabel } from '../../shared/servers.ts';
import { laneOf } from '../../shared/subjects.ts';
import type { Coalesce } from '../forward/coalescer.ts';
import { createPatience, type Hold, type Patience } from '../forward/deadline.ts';
import type { RefusalCounts } from '../forward/refusals.ts';
import { parseJson, readBody } from './body.ts';
import type { Limits } from './limits.ts';
import { type AnswerFor, preflightAnswer } from './origins.ts';
import type { PlaceOf, RequestPlace } from './place.ts';
import { refusalAnswer } from './problem.ts';
import { tokenOf, type Verifier } from './token.ts';

export type ReceiverOptions = {
  readonly lanes: number;
  readonly answerFor: AnswerFor;
  readonly placeOf: PlaceOf;
  readonly verify: Verifier;
  readonly limits: Limits;
  readonly serverLabel: ServerLabel;
  readonly coalesce: Coalesce;
  readonly refusals: RefusalCounts;
  readonly now: () => number;
};

export type Receiver = {
  /** Answers `POST /v1/beacons`: 204 once the beacon is safe, else a problem. */
  receive(request: Request, hold: Hold): Promise<Response>;
  /** Answers the preflight of a request that is not CORS-simple. */
  preflight(request: Request, hold: Hold): Response;
};

/** A request and what is known of it before its body is read. */
type Visit = { readonly request: Request; readonly place: RequestPlace; readonly atMs: number; readonly hold: Hold };

const ORIGIN_FORBIDDEN = reject('origin_forbidden', 'the origin is not allowed');

export function createReceiver(options: ReceiverOptions): Receiver {
  const { lanes, answerFor, placeOf, verify, limits, serverLabel, coalesce, refusals, now } = options;
  /** For a page that may not post: no CORS header, so that it can't read the answer either. */
  const strangerHeaders = answerFor(null)?.headers ?? new Headers();

  async function take({ request, place, atMs, hold }: Visit, patience: Patience): Promise<Result<undefined>> {
    const text = await readBody(request, patience);
    if (!text.ok) return text;
    const body = parseJson(text.value);
    if (!body.ok) return body;
    const region = place.region.name;
    const token = tokenOf(request.headers.get('authorization'), body.value);
    const claims = await verify(token, atMs, { hold, countError: () => refusals.countJwksError(region, hold) });
    if (!claims.ok) return claims.reason === 'unavailable' ? claims : ((await limits.refuseAddress(request)) ?? claims);
    const decoded = decodeBeacon(body.value);
    if (!decoded.ok) return decoded;
    const beacon = decoded.value;
    const { meetingId, sessionId } = claims.value;
    if (beacon.meeting_id !== meetingId) return reject('session_mismatch', 'meeting_id is not that of the token');
    if (beacon.session_id !== sessionId) return reject('session_mismatch', 'session_id is not that of the token');
    const limited = await limits.refuseSession(claims.value);
    if (limited) return limited;
    if (beacon.server) beacon.server.url = serverLabel(beacon.server.url);
    const entry = encodeEntry({ received_at: atMs, colo: place.colo, beacon });
    const answer = await coalesce({ region, lane: laneOf(meetingId, lanes) }, entry, { hold, patience });
    return answer.ok ? accept(undefined) : reject(answer.reason, 'the beacon could not be stored');
  }

  function refuse(refusal: Reject, headers: Headers, { place, hold }: Visit): Response {
    refusals.count(place.region.name, refusal.reason, hold);
    return refusalAnswer(refusal, headers);
  }

  async function answer(visit: Visit, patience: Patience): Promise<Response> {
    try {
      const allowed = answerFor(visit.request.headers.get('origin'));
      if (!allowed) return refuse(ORIGIN_FORBIDDEN, strangerHeaders, visit);
      if (visit.place.rejected) return refuse(visit.place.rejected, allowed.headers, visit);
      const taken = await take(visit, patience);
      return taken.ok ? allowed.empty : refuse(taken, allowed.headers, visit);
    } finally {
      patience.end();
    }
  }

  return {
    receive(request, hold) {
      // So that a client is still counted which sends half a body and hangs up. Most requests are over by then.
      const patience = createPatience(() => hold(answering));
      const answering = answer({ request, place: placeOf(request), atMs: now(), hold }, patience);
      return answering;
    },
    preflight(request, hold) {
      const allowed = answerFor(request.headers.get('origin'));
      if (allowed) return preflightAnswer(allowed.headers);
      return refuse(ORIGIN_FORBIDDEN, strangerHeaders, { request, place: placeOf(request), atMs: now(), hold });
    },
  };
}
