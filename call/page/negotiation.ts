/**
 * Perfect negotiation: both sides may offer at any time, and when both do at once, the polite one gives way.
 * @see https://www.w3.org/TR/webrtc/#perfect-negotiation-example
 */
import type { Description, Negotiated, Unaddressed } from './messages.ts';

export type NegotiationOptions = {
  readonly connection: RTCPeerConnection;
  /** Exactly one of the two is. */
  readonly isPolite: boolean;
  readonly send: (message: Unaddressed) => void;
};

export type Negotiation = {
  /** What the other side said. @throws when the browser can't make sense of it */
  receive(message: Negotiated): Promise<void>;
  /** Says the last offer again, because it or its answer may have been lost. */
  repeat(): void;
};

export function negotiate({ connection, isPolite, send }: NegotiationOptions): Negotiation {
  let isMakingOffer = false;
  let ignoresOffer = false;
  let isSettingAnswer = false;

  function sendDescription(): void {
    const { type, sdp } = connection.localDescription ?? {};
    if (sdp && (type === 'offer' || type === 'answer')) send({ type: 'description', description: { type, sdp } });
  }

  connection.onnegotiationneeded = async () => {
    // The first offer is the other side's: when Chromium rolls back an offer before it knows the machine's addresses, it
    // never gathers any, and the call does not connect. What is still to be negotiated then fires again.
    if (isPolite && !connection.remoteDescription) return;
    try {
      isMakingOffer = true;
      await connection.setLocalDescription();
      sendDescription();
    } catch {
      // It was closed meanwhile.
    } finally {
      isMakingOffer = false;
    }
  };
  connection.onicecandidate = ({ candidate }) => send({ type: 'candidate', candidate: candidate?.toJSON() ?? null });
  connection.onconnectionstatechange = () => {
    if (connection.connectionState === 'failed') connection.restartIce();
  };

  async function receiveDescription({ description }: Description): Promise<void> {
    const isOffer = description.type === 'offer';
    const isReady = !isMakingOffer && (connection.signalingState === 'stable' || isSettingAnswer);
    ignoresOffer = !isPolite && isOffer && !isReady;
    if (ignoresOffer) return;
    isSettingAnswer = !isOffer;
    try {
      // Of the polite side, this rolls its own offer back.
      await connection.setRemoteDescription(withDtx(description));
    } finally {
      isSettingAnswer = false;
    }
    if (!isOffer) return;
    await connection.setLocalDescription();
    sendDescription();
  }

  return {
    async receive(message) {
      if (message.type === 'description') return receiveDescription(message);
      try {
        await connection.addIceCandidate(message.candidate);
      } catch (error) {
        // Those of an offer that was ignored belong to nothing.
        if (!ignoresOffer) throw error;
      }
    },
    repeat() {
      if (connection.signalingState === 'have-local-offer') sendDescription();
    },
  };
}

/**
 * Asks this browser's own encoder for DTX, as calling products do: whoever is silent or muted then sends next to nothing. No
 * API offers it, so it is written into what the other side prefers to receive.
 */
function withDtx({ type, sdp }: Description['description']): Description['description'] {
  return { type, sdp: sdp.replaceAll('useinbandfec=1', 'useinbandfec=1;usedtx=1') };
}
