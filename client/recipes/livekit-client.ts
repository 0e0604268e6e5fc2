/** livekit-client, whose room keeps its connections to itself: the reporter reads the statistics of the room's tracks. */
import type { Participant, Room, Track } from 'livekit-client';
import type { Reporter } from '../reporter.ts';

/**
 * Call it right before `room.connect()`. Everybody's identity in the room's tokens is their `sessionId`. Works with one
 * connection for both directions as well as with two, and after the room has reconnected.
 * @example
 * const room = new Room();
 * reportRoom(reporter, room);
 * await room.connect(url, token).catch((error) => {
 *   reporter.update({ join: { result: 'signaling' } });
 *   throw error;
 * });
 */
export function reportRoom(reporter: Reporter, room: Room): void {
  const events = new EventTarget();
  const sessions = new Map<string, string>();
  room.on('connectionStateChanged', () => events.dispatchEvent(new Event('connectionstatechange')));
  room.on('trackSubscribed', ({ mediaStreamTrack }) => {
    events.dispatchEvent(Object.assign(new Event('track'), { track: mediaStreamTrack }));
  });
  reporter.addPeerConnection(
    {
      get connectionState() {
        // The room lost its connection, and makes another one.
        return room.state === 'reconnecting' ? 'failed' : room.state;
      },
      async getStats() {
        const tracks = tracksOf(room.localParticipant);
        sessions.clear();
        for (const participant of room.remoteParticipants.values()) {
          for (const track of tracksOf(participant)) {
            sessions.set(track.mediaStreamTrack.id, participant.identity);
            tracks.push(track);
          }
        }
        const reports = await Promise.all(tracks.map((track) => track.getRTCStatsReport()));
        return new Map(reports.flatMap((report) => [...(report ?? [])]));
      },
      getReceivers: () => [],
      getTransceivers: () =>
        tracksOf(room.localParticipant).map(({ mediaStreamTrack }) => ({
          sender: { track: mediaStreamTrack },
          currentDirection: 'sendonly',
        })),
      addEventListener: events.addEventListener.bind(events),
    },
    { peerOf: ({ trackIdentifier = '' }) => sessions.get(trackIdentifier) },
  );
}

function tracksOf({ trackPublications }: Participant): Track[] {
  return [...trackPublications.values()].flatMap(({ track }) => track ?? []);
}
