/** Sessions of a meeting as the API lists them, with the figures that a test is about. */
import type { EndedSession, WorstPeer, WorstSession } from '../../http/answers.ts';

const FINE = { concealment_ratio: 0.003, audio_packet_loss_ratio: 0.004 };
export const LOSSY = { concealment_ratio: 0.18, audio_packet_loss_ratio: 0.2 };

/** What is received from a peer: fine, but for what is given. */
export function peer(peer_id: string, figures: Partial<WorstPeer> = {}): WorstPeer {
  return { peer_id, ...FINE, ...figures };
}

export function living(id: string, peers: readonly WorstPeer[], more: Partial<WorstSession> = {}): WorstSession {
  const ids = { region: 'apac', meeting_id: 'm-1', session_id: id, participant_id: `p-${id}` };
  const server = { server_url: 'https://media-1.example.com', server_type: 'webrtc' };
  return {
    ...ids,
    ...server,
    began_ms: 0,
    rtt_seconds: 0.05,
    last_beacon_age_seconds: 2,
    impaired: [],
    peers,
    ...more,
  };
}

export function ended(id: string, endedMs: number, reason: EndedSession['reason'] = 'left'): EndedSession {
  const { last_beacon_age_seconds: _, ...session } = living(id, []);
  return { ...session, ended_ms: endedMs, reason, last_beacon_ms: endedMs - 1_000 };
}

/** Everybody receives everybody else. @param figures of what `to` receives from `from`; undefined: fine */
export function meetingOf(
  ids: readonly string[],
  figures: (from: string, to: string) => Partial<WorstPeer> | undefined,
): WorstSession[] {
  return ids.map((to) =>
    living(
      to,
      ids.filter((from) => from !== to).map((from) => peer(from, figures(from, to))),
    ),
  );
}
