/** A session as the API lists it: its figures and those of each of its peers, why it is impaired, and whose fault that is. */
import { figureName, MEASURE, PEER_MEASURES } from '../../live/measures.ts';
import { IMPAIRMENT_CAUSES } from '../../store/diagnosis.ts';
import type { ImpairmentReading } from '../../store/impaired.ts';
import type { PeerReadings } from '../../store/peers/peer-table.ts';
import type { Session } from '../../store/session.ts';
import type { Sessions } from '../../store/sessions.ts';
import type { PeerFigures, WorstSession } from '../answers.ts';

export type DescribeOptions = {
  readonly sessions: Sessions;
  /** Where a server is at fault. */
  readonly impairment: ImpairmentReading;
  readonly nowMs: number;
};

const FIGURES = PEER_MEASURES.map((measure) => ({ figure: figureName(measure), measure: MEASURE[measure.name] }));

/** @param session lives */
export function describeSession(session: Session, { sessions, impairment, nowMs }: DescribeOptions): WorstSession {
  const { presence, cell, rtt, uplinkLoss } = session;
  const diagnosis = sessions.diagnose(session);
  const bad = new Map(diagnosis.bad.map((stream) => [stream.row, stream]));
  const isServerAtFault = impairment.isServerAtFault(cell);
  return {
    region: presence.region,
    meeting_id: presence.meeting.id,
    session_id: session.id,
    participant_id: session.participantId,
    server_url: cell.serverUrl,
    server_type: cell.serverType,
    ...(Number.isNaN(rtt) ? {} : { rtt_seconds: rtt }),
    ...(Number.isNaN(uplinkLoss) ? {} : { uplink_packet_loss_ratio: uplinkLoss }),
    last_beacon_age_seconds: Math.max(0, nowMs - session.sequence.newestAtMs) / 1000,
    impaired: IMPAIRMENT_CAUSES.filter((cause) => diagnosis[cause]),
    peers: session.peers.map((row) => {
      const stream = bad.get(row);
      return {
        peer_id: sessions.peers.id(row),
        ...figuresOf(sessions.peers, row),
        ...(stream && { side: isServerAtFault ? 'server' : stream.side }),
        ...(stream?.silence && { silence: stream.silence }),
      };
    }),
  };
}

function figuresOf(peers: PeerReadings, row: number): PeerFigures {
  const figures: { -readonly [Name in keyof PeerFigures]: PeerFigures[Name] } = {};
  for (const { figure, measure } of FIGURES) {
    const value = peers.value(row, measure);
    if (!Number.isNaN(value)) figures[figure] = value;
  }
  return figures;
}
