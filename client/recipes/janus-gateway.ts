/** janus-gateway's janus.js with the video room: a handle that publishes, and handles that receive the others. */
import type { JanusJS } from 'janus-gateway';
import type { Reporter } from '../reporter.ts';

/** Call it with each message in the handle's `onmessage`, and without one in the `success` of `createOffer` and `createAnswer`. */
export type FollowHandle = (message?: JanusJS.Message) => void;

/**
 * A handle that receives says in its messages whose media each of its streams is, whether it receives one feed or many
 * (janus 1.0 and newer). They name people by their `display`, so everybody joins with their `sessionId` as `display`.
 * @example
 * janus.attach({
 *   plugin: 'janus.plugin.videoroom',
 *   success: (attached) => {
 *     handle = attached;
 *     follow = followHandle(reporter, handle);
 *     handle.send({ message: { request: 'join', ptype: 'publisher', room, display: sessionId } });
 *   },
 *   onmessage: (message, jsep) => {
 *     follow(message);
 *     // ... and in createOffer() and createAnswer(): success: (jsep) => { follow(); handle.send({ ..., jsep }); }
 *   },
 * });
 */
export function followHandle(reporter: Reporter, handle: JanusJS.PluginHandle): FollowHandle {
  const sessions = new Map<string, string>();
  let added: RTCPeerConnection | undefined;
  return ({ streams = [] } = {}) => {
    for (const { mid, feed_display } of streams) {
      if (feed_display) sessions.set(mid, feed_display);
      // The feed left, and the next one may get its place.
      else sessions.delete(mid);
    }
    // There is none before the first negotiation, and another one after a hangup.
    const { pc } = handle.webrtcStuff;
    if (!pc || pc === added) return;
    added = pc;
    reporter.addPeerConnection(pc, { peerOf: ({ mid = '' }) => sessions.get(mid) });
  };
}
