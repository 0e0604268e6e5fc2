import { describe, expect, it } from 'vitest';
import { createConnections } from './connections.ts';
import { createJoinLog } from './join.ts';

type Sending = { kind?: string; enabled?: boolean; muted?: boolean; direction?: string; active?: boolean[] };

/** What a session says that it sends, when its connection has these senders. */
function stateOf(...senders: Sending[]) {
  const connections = createConnections({
    join: createJoinLog(),
    now: () => 0,
    onUrgent: () => {},
    signal: new AbortController().signal,
  });
  const transceivers = senders.map(
    ({ kind = 'audio', enabled = true, muted = false, direction = 'sendrecv', active = [true] }) => ({
      currentDirection: direction,
      sender: {
        track: { kind, enabled, muted, readyState: 'live' },
        getParameters: () => ({ encodings: active.map((each) => ({ active: each })) }),
      },
    }),
  );
  connections.add(
    {
      connectionState: 'connected',
      addEventListener: () => {},
      getReceivers: () => [],
      getTransceivers: () => transceivers,
    } as object as RTCPeerConnection,
    undefined,
  );
  return connections.describe().state;
}

describe('what is being sent', () => {
  it.each<[string, Sending, boolean]>([
    ['a live track', {}, true],
    ['a track that is disabled', { enabled: false }, false],
    ['a track without input', { muted: true }, false],
    ['a track that is only received', { direction: 'recvonly' }, false],
    ['a track before it is negotiated', { direction: '' }, false],
    ['a sender whose every encoding is inactive', { active: [false, false] }, false],
    ['a simulcast sender with one active encoding', { active: [false, true] }, true],
    ['a sender of which the browser names no encodings', { active: [] }, true],
  ])('%s', (_, sender, isSending) => {
    expect(stateOf(sender)).toEqual({ audio_sending: isSending, video_sending: false });
  });

  it('is told by kind, and by the sender that sends', () => {
    expect(stateOf({ kind: 'video' }, { enabled: false })).toEqual({ audio_sending: false, video_sending: true });
    expect(stateOf({ enabled: false }, {})).toEqual({ audio_sending: true, video_sending: false });
  });
});
