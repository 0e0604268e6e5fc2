/** What is wrong with one session: why it is impaired, which of the streams that it receives are bad, and whose fault each is. */
import { OBJECTIVES } from '../../shared/objectives.ts';
import { heardAudio, isSendingAudio, type Publisher, seenVideo } from '../attribution/publisher.ts';
import { faresBadly, type Share, type Side, sideOf } from '../attribution/side.ts';
import { SILENCE, type SilenceCause, silenceCause } from '../attribution/silence.ts';
import { AUDIO_BAD, AUDIO_JUDGED, silenceOf, VIDEO_BAD, VIDEO_JUDGED } from '../attribution/stream.ts';
import type { PeerReadings } from './peers/peer-table.ts';
import type { Session } from './session.ts';

/** Why a session is impaired: its own RTT, or at least one stream that it receives. */
export const IMPAIRMENT_CAUSES = ['rtt', 'audio', 'video', 'silence'] as const;
export type ImpairmentCause = (typeof IMPAIRMENT_CAUSES)[number];

export type BadStream = {
  readonly row: number;
  /** By its two ends alone: a server at fault comes before it. */
  readonly side: Exclude<Side, 'server'>;
  readonly silence: SilenceCause | undefined;
};

export type Diagnosis = { readonly [Cause in ImpairmentCause]: boolean } & {
  /** It fares as sessions do whose server is at fault. */
  readonly faresBadly: boolean;
  readonly bad: readonly BadStream[];
};

type Counts = { bad: number; of: number };

/** One kind of media, as a session receives it. */
type Reception = {
  readonly own: Counts;
  /** What others receive from the same publishers. */
  readonly others: Counts;
};

/** A stream that the session receives, as it is now. */
type Stream = {
  readonly row: number;
  readonly publisher: Publisher | undefined;
  readonly audio: Share;
  /** The audio as it is counted at its publisher, who counts a claimed silence for as long as it says that it sends. */
  readonly countedAudio: Share;
  readonly video: Share;
  readonly hasBadAudio: boolean;
  readonly silence: SilenceCause | undefined;
};

export function isRttBad(session: Session): boolean {
  return session.rtt > OBJECTIVES.rtt.bad;
}

export function diagnose(session: Session, peers: PeerReadings): Diagnosis {
  const audio: Reception = { own: nothing(), others: nothing() };
  const video: Reception = { own: nothing(), others: nothing() };
  const all = nothing();
  const bad: Stream[] = [];
  for (const row of session.peers) {
    const stream = readStream(row, session, peers);
    add(audio.own, stream.audio);
    add(video.own, stream.video);
    if (stream.publisher) {
      add(audio.others, without(heardAudio(stream.publisher), stream.countedAudio));
      add(video.others, without(seenVideo(stream.publisher), stream.video));
    }
    const isBad = stream.audio.bad + stream.video.bad > 0;
    if (isBad) bad.push(stream);
    add(all, { bad: isBad ? 1 : 0, of: Math.max(stream.audio.of, stream.video.of) });
  }
  const rtt = isRttBad(session);
  return {
    rtt,
    audio: bad.some(({ hasBadAudio }) => hasBadAudio),
    video: video.own.bad > 0,
    silence: bad.some(({ silence }) => silence !== undefined),
    faresBadly: faresBadly(rtt, all),
    bad: bad.map((stream) => ({ row: stream.row, side: attribute(stream, audio, video), silence: stream.silence })),
  };
}

function readStream(row: number, session: Session, peers: PeerReadings): Stream {
  const state = peers.state(row);
  const publisher = peers.publisher(row);
  const claimed = silenceOf(state);
  const silence =
    claimed !== SILENCE.none && publisher ? silenceCause(claimed, publisher, session.receivedAtMs) : undefined;
  const hasBadAudio = (state & AUDIO_BAD) !== 0;
  const isJudged = (state & AUDIO_JUDGED) !== 0;
  const isClaimed = claimed >= SILENCE.noPackets && publisher !== undefined && isSendingAudio(publisher);
  return {
    row,
    // Both ends have to be here: a publisher that is elsewhere may be heard well there.
    publisher: publisher?.isHere ? publisher : undefined,
    audio: one(hasBadAudio || silence !== undefined, isJudged),
    countedAudio: one(hasBadAudio || isClaimed, isJudged),
    video: one((state & VIDEO_BAD) !== 0, (state & VIDEO_JUDGED) !== 0),
    hasBadAudio,
    silence,
  };
}

function attribute(stream: Stream, audio: Reception, video: Reception): BadStream['side'] {
  const { publisher } = stream;
  if (!publisher) return 'unknown';
  let side: BadStream['side'] = 'unknown';
  if (stream.audio.bad > 0) side = attributeKind(stream.countedAudio, heardAudio(publisher), audio);
  if (side === 'unknown' && stream.video.bad > 0) side = attributeKind(stream.video, seenVideo(publisher), video);
  return side;
}

function attributeKind(stream: Share, publisher: Share, { own, others }: Reception): BadStream['side'] {
  const ofPublisher = without(publisher, stream);
  return sideOf({ publisher, receiver: own, rest: without(others, ofPublisher) });
}

function one(isBad: boolean, isJudged: boolean): Share {
  return { bad: isBad ? 1 : 0, of: isBad || isJudged ? 1 : 0 };
}

function nothing(): Counts {
  return { bad: 0, of: 0 };
}

function add(to: Counts, { bad, of }: Share): void {
  to.bad += bad;
  to.of += of;
}

function without(all: Share, { bad, of }: Share): Share {
  return { bad: all.bad - bad, of: all.of - of };
}
