import type { JanusJS } from 'janus-gateway';
import { describe, expect, it } from 'vitest';
import type { PeerOf } from '../reporter.ts';
import { followHandle } from './janus-gateway.ts';
import { createFakeReporter } from './testing.ts';

/** A handle, as far as the recipe knows it. */
function handleWith(pc: object | null): JanusJS.PluginHandle {
  return { webrtcStuff: { pc } } as JanusJS.PluginHandle;
}

describe('a handle of the video room', () => {
  it('is added when it has a connection, once, and again when it has another one', () => {
    const reporter = createFakeReporter();
    const handle = handleWith(null);
    const follow = followHandle(reporter, handle);
    follow({ videoroom: 'joined' });
    expect(reporter.added).toEqual([]);
    const first = {} as RTCPeerConnection;
    handle.webrtcStuff.pc = first;
    follow();
    follow();
    const second = {} as RTCPeerConnection;
    handle.webrtcStuff.pc = second;
    follow({ videoroom: 'event' });
    expect(reporter.added.map(({ connection }) => connection)).toEqual([first, second]);
    expect(reporter.added[0]?.connection).toBe(first);
  });

  it('follows whose feed each stream is', () => {
    const reporter = createFakeReporter();
    const follow = followHandle(reporter, handleWith({}));
    follow({ videoroom: 'attached', streams: [{ mid: '0', feed_display: 'bo-1' }] });
    const peerOf = reporter.added[0]?.peerOf as PeerOf;
    const at = (mid: string) => peerOf({ kind: 'audio', mid });
    expect([at('0'), at('1')]).toEqual(['bo-1', undefined]);
    follow({
      videoroom: 'updated',
      streams: [
        { mid: '0', active: false },
        { mid: '1', feed_display: 'cy-1' },
      ],
    });
    expect([at('0'), at('1')]).toEqual([undefined, 'cy-1']);
    follow({ videoroom: 'updated', streams: [{ mid: '0', feed_display: 'di-1' }] });
    expect([at('0'), at('1')]).toEqual(['di-1', 'cy-1']);
    expect(peerOf({ kind: 'audio' })).toBeUndefined();
  });
});
