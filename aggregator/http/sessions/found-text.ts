/**
 * Sessions that one process found, as it sends them to another of its fleet: a line of JSON for each, so that neither side
 * handles much at once. What is read may come from anybody, and is shown to people: all of it is checked.
 */
import * as v from 'valibot';
import { isId, LIMITS } from '../../../shared/beacon.ts';
import { SIDES } from '../../attribution/side.ts';
import { SILENCE_CAUSES } from '../../attribution/silence.ts';
import { figureName, type MeasureName, PEER_MEASURES } from '../../live/measures.ts';
import { IMPAIRMENT_CAUSES } from '../../store/diagnosis.ts';
import { END_REASONS } from '../../store/ended/ended.ts';
import type { EndedSession, WorstSession } from '../answers.ts';
import { parseLine } from '../shards/json-line.ts';
import { Time } from '../shards/time.ts';
import { type Listed, listEnded, listLiving } from './listed.ts';
import { LIMIT_MAX } from './worst-sessions.ts';

export function* writeFound({ total, living, ended }: Listed): Generator<string, void, void> {
  const head = { total, ...(ended && { ended_total: ended.total, ended_reach_ms: ended.reachMs }) };
  yield `${JSON.stringify(head)}\n`;
  for (const { text } of living) yield `{"session":${text}}\n`;
  for (const { text } of ended?.list ?? []) yield `{"ended":${text}}\n`;
  yield '{"end":true}\n';
}

export type FoundResult = { readonly ok: true; readonly found: Listed } | { readonly ok: false; readonly why: string };

/** @param lines of a text @param sort that was asked for */
export function* readFound(lines: Iterable<string>, sort: MeasureName): Generator<void, FoundResult, void> {
  let head: v.InferOutput<typeof Head> | undefined;
  const living: WorstSession[] = [];
  const ended: EndedSession[] = [];
  for (const text of lines) {
    yield;
    const line = parseLine(text);
    if (!head) {
      const parsed = v.safeParse(Head, line);
      if (!parsed.success) return no('does not answer as an aggregator of this version does');
      head = parsed.output;
      continue;
    }
    const parsed = v.safeParse(Line, line);
    if (!parsed.success || living.length + ended.length > 2 * LIMIT_MAX)
      return no('answers with sessions that can not be');
    if ('end' in parsed.output) return { ok: true, found: yield* listed(head, { living, ended, sort }) };
    if ('session' in parsed.output) living.push(parsed.output.session);
    else ended.push(parsed.output.ended);
  }
  return no('its answer ends in the middle');
}

type Read = { readonly living: WorstSession[]; readonly ended: EndedSession[]; readonly sort: MeasureName };

function* listed(head: v.InferOutput<typeof Head>, { living, ended, sort }: Read): Generator<void, Listed, void> {
  const { total, ended_total, ended_reach_ms } = head;
  const found = { total, living: yield* listLiving(living, sort) };
  if (ended_total === undefined || ended_reach_ms === undefined) return found;
  return { ...found, ended: { total: ended_total, reachMs: ended_reach_ms, list: yield* listEnded(ended) } };
}

function no(why: string): FoundResult {
  return { ok: false, why };
}

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Figure = v.pipe(v.number(), v.finite(), v.minValue(0));
const Id = v.custom<string>(isId);
const Text = v.pipe(v.string(), v.maxLength(LIMITS.serverUrlLength));
/** What a session says of itself, by the labels of the metrics. */
const Labels = v.pipe(
  v.record(v.pipe(v.string(), v.maxLength(32)), v.pipe(v.string(), v.maxLength(32))),
  v.maxEntries(4),
);

const Head = v.object({
  total: Count,
  ended_total: v.exactOptional(Count),
  ended_reach_ms: v.exactOptional(Time),
});

type PeerFigureName = ReturnType<typeof figureName<(typeof PEER_MEASURES)[number]>>;
const figures = Object.fromEntries(PEER_MEASURES.map((measure) => [figureName(measure), v.exactOptional(Figure)]));

const Peer = v.object({
  ...(figures as { [Name in PeerFigureName]: ReturnType<typeof optionalFigure> }),
  peer_id: Id,
  side: v.exactOptional(v.picklist(SIDES)),
  silence: v.exactOptional(v.picklist(SILENCE_CAUSES)),
});

function optionalFigure() {
  return v.exactOptional(Figure);
}

const session = {
  region: Text,
  meeting_id: Id,
  session_id: Id,
  participant_id: Id,
  server_url: Text,
  server_type: Text,
  began_ms: Time,
  began_or_earlier: v.exactOptional(v.literal(true)),
  client: v.exactOptional(Labels),
  path: v.exactOptional(Labels),
  rtt_seconds: v.exactOptional(Figure),
  uplink_packet_loss_ratio: v.exactOptional(Figure),
  impaired: v.pipe(v.array(v.picklist(IMPAIRMENT_CAUSES)), v.maxLength(IMPAIRMENT_CAUSES.length)),
  peers: v.pipe(v.array(Peer), v.maxLength(LIMITS.peers)),
};

const Line = v.union([
  v.object({
    session: v.object({ ...session, quiet: v.exactOptional(v.literal(true)), last_beacon_age_seconds: Figure }),
  }),
  v.object({
    ended: v.object({ ...session, ended_ms: Time, reason: v.picklist(END_REASONS), last_beacon_ms: Time }),
  }),
  v.object({ end: v.literal(true) }),
]);
