import type { Room } from 'livekit-client';
import { describe, expect, it } from 'vitest';
import type { PeerOf } from '../reporter.ts';
import { reportRoom } from './livekit-client.ts';
import { createFakeReporter } from './testing.ts';

/** A track with a report of one stream, as far as the recipe knows it. */
function trackOf(id: string) {
  const stat = { id: `stream of ${id}`, type: 'inbound-rtp', trackIdentifier: id };
  return { mediaStreamTrack: { id }, getRTCStatsReport: async () => new Map([[stat.id, stat]]) };
}

function participantOf(identity: string, ...tracks: (object | undefined)[]) {
  return { identity, trackPublications: new Map(tracks.map((track, sid) => [`${sid}`, { track }])) };
}

function createRoom() {
  const listeners = new Map<string, (...args: unknown[]) => void>();
  const room = {
    state: 'disconnected',
    localParticipant: participantOf('ada-1', trackOf('microphone')),
    remoteParticipants: new Map<string, object>(),
    on: (event: string, listener: () => void) => void listeners.set(event, listener),
  };
  const emit = (event: string, ...args: unknown[]) => listeners.get(event)?.(...args);
  return { room, emit };
}

describe('a room', () => {
  it('is one connection whose report has the streams of all tracks, by whose they are', async () => {
    const reporter = createFakeReporter();
    const { room } = createRoom();
    // One that is published and not subscribed to has no track.
    room.remoteParticipants.set('bo', participantOf('bo-1', trackOf('t-1'), undefined));
    reportRoom(reporter, room as unknown as Room);
    expect(reporter.added).toHaveLength(1);
    const [{ connection, peerOf }] = reporter.added as [(typeof reporter.added)[number]];
    const report = await connection.getStats();
    expect([...report.values()].map(({ trackIdentifier }) => trackIdentifier)).toEqual(['microphone', 't-1']);
    const owner = (trackIdentifier: string) => (peerOf as PeerOf)({ kind: 'audio', trackIdentifier });
    expect(['t-1', 'microphone', 'other'].map(owner)).toEqual(['bo-1', undefined, undefined]);
    expect(connection.getTransceivers()).toEqual([
      { sender: { track: { id: 'microphone' } }, currentDirection: 'sendonly' },
    ]);
  });

  it('tells how its connection fares', () => {
    const reporter = createFakeReporter();
    const { room, emit } = createRoom();
    reportRoom(reporter, room as unknown as Room);
    const [{ connection }] = reporter.added as [(typeof reporter.added)[number]];
    const seen: unknown[] = [];
    const { signal } = new AbortController();
    connection.addEventListener('connectionstatechange', () => seen.push(connection.connectionState), { signal });
    connection.addEventListener('track', (event) => seen.push((event as RTCTrackEvent).track), { signal });
    for (const state of ['connecting', 'connected', 'signalReconnecting', 'reconnecting', 'connected']) {
      room.state = state;
      emit('connectionStateChanged');
    }
    emit('trackSubscribed', { mediaStreamTrack: 'a track' });
    expect(seen).toEqual(['connecting', 'connected', 'signalReconnecting', 'failed', 'connected', 'a track']);
  });
});
