/** A session as the API lists it: its figures and those of each of its peers, why it is impaired, and whose fault that is. */
import { labelsOf, type Standing } from '../../live/breakdown.ts';
import { figureName, MEASURE, PEER_MEASURES } from '../../live/measures.ts';
import { IMPAIRMENT_CAUSES } from '../../store/diagnosis.ts';
import type { EndedSession as Ended } from '../../store/ended/ended.ts';
import type { ImpairmentReading } from '../../store/impaired.ts';
import type { Session } from '../../store/session.ts';
import type { Sessions } from '../../store/sessions.ts';
import type { EndedSession, PeerFigures, WorstPeer, WorstSession } from '../answers.ts';

export type DescribeOptions = {
  readonly sessions: Sessions;
  /** Where a server is at fault. */
  readonly impairment: ImpairmentReading;
  readonly nowMs: number;
};

const FIGURES = PEER_MEASURES.map((measure) => ({ figure: figureName(measure), measure: MEASURE[measure.name] }));

/** @param session lives */
export function describeSession(session: Session, { sessions, impairment, nowMs }: DescribeOptions): WorstSession {
  const { presence, cell } = session;
  const diagnosis = sessions.diagnose(session);
  const bad = new Map(diagnosis.bad.map((stream) => [stream.row, stream]));
  const isServerAtFault = impairment.isServerAtFault(cell);
  return {
    region: presence.region,
    meeting_id: presence.meeting.id,
    session_id: session.id,
    participant_id: session.participantId,
    ...describeSelf(session),
    ...(session.isQuiet && ({ quiet: true } as const)),
    last_beacon_age_seconds: Math.max(0, nowMs - session.sequence.newestAtMs) / 1000,
    impaired: IMPAIRMENT_CAUSES.filter((cause) => diagnosis[cause]),
    peers: session.peers.map((row) => {
      const stream = bad.get(row);
      return describePeer({
        id: sessions.peers.id(row),
        value: (measure) => sessions.peers.value(row, measure),
        side: stream && (isServerAtFault ? 'server' : stream.side),
        silence: stream?.silence,
      });
    }),
  };
}

export function describeEnded(session: Ended): EndedSession {
  return {
    region: session.cell.region,
    meeting_id: session.meetingId,
    session_id: session.id,
    participant_id: session.participantId,
    ...describeSelf(session),
    ended_ms: session.atMs,
    reason: session.reason,
    last_beacon_ms: session.lastBeaconAtMs,
    impaired: session.causes,
    peers: session.peers.map(describePeer),
  };
}

/** What a living and an ended session have in common. */
type Self = {
  readonly cell: Session['cell'];
  readonly beganAtMs: number;
  readonly isBegunEarlier: boolean;
  readonly standing: Standing;
  readonly rtt: number;
  readonly uplinkLoss: number;
};

function describeSelf({ cell, beganAtMs, isBegunEarlier, standing, rtt, uplinkLoss }: Self) {
  const { client, path } = labelsOf(standing);
  return {
    server_url: cell.serverUrl,
    server_type: cell.serverType,
    began_ms: beganAtMs,
    ...(isBegunEarlier && ({ began_or_earlier: true } as const)),
    ...(client && { client }),
    ...(path && { path }),
    ...(Number.isNaN(rtt) ? {} : { rtt_seconds: rtt }),
    ...(Number.isNaN(uplinkLoss) ? {} : { uplink_packet_loss_ratio: uplinkLoss }),
  };
}

function describePeer({ id, value, side, silence }: Ended['peers'][number]): WorstPeer {
  return { peer_id: id, ...figuresOf(value), ...(side && { side }), ...(silence && { silence }) };
}

function figuresOf(read: (measure: number) => number): PeerFigures {
  const figures: { -readonly [Name in keyof PeerFigures]: PeerFigures[Name] } = {};
  for (const { figure, measure } of FIGURES) {
    const value = read(measure);
    if (!Number.isNaN(value)) figures[figure] = value;
  }
  return figures;
}
