/** Runs in a page: joins a video room of janus with janus-gateway's own library, and reports the call by the recipe. */
import Janus, { type JanusJS } from 'janus-gateway';
import adapter from 'webrtc-adapter';
import { type FollowHandle, followHandle } from '../../../client/recipes/janus-gateway.ts';
import type { Reporter } from '../../../client/reporter.ts';
import type { Target } from './lossy-relay.ts';

export type JanusRoomOptions = {
  /** Of the WebSocket API. */
  readonly url: string;
  readonly room: number;
  readonly session: string;
  readonly hasVideo: boolean;
  /** Whether what this page sends goes through the relay that `window.relay()` starts. */
  readonly isRelayed: boolean;
};

type RoomWindow = Window & {
  reporter: Reporter;
  /** @returns the relay's port, at the same address */
  relay: (target: Target) => Promise<number>;
  joinRoom: (options: JanusRoomOptions) => Promise<void>;
};

type Feeds = { readonly publishers?: readonly { readonly id: number }[] };

const MICROPHONE: JanusJS.TrackOption = { type: 'audio', capture: true };
const CAMERA: JanusJS.TrackOption = { type: 'video', capture: { width: 160, height: 120, frameRate: 10 } };

const page = window as unknown as RoomWindow;

page.joinRoom = async ({ url, room, session, hasVideo, isRelayed }) => {
  await new Promise((callback) => {
    Janus.init({ dependencies: Janus.useDefaultDependencies({ adapter }), callback: callback as () => void });
  });
  const janus = await new Promise<JanusJS.Janus>((resolve, reject) => {
    const connected: JanusJS.Janus = new Janus({ server: url, success: () => resolve(connected), error: reject });
  });
  const publisher = await attach(janus, onPublisherMessage);
  const subscriber = await attach(janus, onSubscriberMessage);
  let isSubscribed = false;

  function subscribe({ publishers = [] }: Feeds): void {
    if (!publishers.length) return;
    const streams = publishers.map(({ id }) => ({ feed: id }));
    const join = { request: 'join', ptype: 'subscriber', room, streams };
    subscriber.handle.send({ message: isSubscribed ? { request: 'subscribe', streams } : join });
    isSubscribed = true;
  }

  async function onPublisherMessage(message: JanusJS.Message, jsep?: JanusJS.JSEP): Promise<void> {
    publisher.follow(message);
    subscribe(message as Feeds);
    if (jsep) publisher.handle.handleRemoteJsep({ jsep: isRelayed ? await throughRelay(jsep) : jsep });
    if (message.videoroom !== 'joined') return;
    publisher.handle.createOffer({
      tracks: hasVideo ? [MICROPHONE, CAMERA] : [MICROPHONE],
      // Without candidates of this page, janus sends nowhere but to where the relay is.
      trickle: !isRelayed,
      success: (offer) => {
        publisher.follow();
        const sdp = isRelayed ? withoutCandidates(offer.sdp) : offer.sdp;
        publisher.handle.send({ message: { request: 'publish' }, jsep: { ...offer, sdp: sdp as string } });
      },
    });
  }

  function onSubscriberMessage(message: JanusJS.Message, jsep?: JanusJS.JSEP): void {
    subscriber.follow(message);
    if (!jsep) return;
    subscriber.handle.createAnswer({
      jsep,
      success: (answer) => {
        subscriber.follow();
        subscriber.handle.send({ message: { request: 'start' }, jsep: answer });
      },
    });
  }

  publisher.handle.send({ message: { request: 'join', ptype: 'publisher', room, display: session } });
};

type Attached = { readonly handle: JanusJS.PluginHandle; readonly follow: FollowHandle };

function attach(janus: JanusJS.Janus, onmessage: NonNullable<JanusJS.PluginOptions['onmessage']>): Promise<Attached> {
  return new Promise((resolve, reject) => {
    janus.attach({
      plugin: 'janus.plugin.videoroom',
      success: (handle) => resolve({ handle, follow: followHandle(page.reporter, handle) }),
      error: reject,
      onmessage,
      onremotetrack: (track, _, isOn) => {
        if (isOn) void Object.assign(document.createElement('video'), { srcObject: new MediaStream([track]) }).play();
      },
    });
  });
}

/** With the relay's port in place of the server's, at the same address. */
async function throughRelay(jsep: JanusJS.JSEP): Promise<JanusJS.JSEP> {
  const [, address = '', port = ''] = /^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host/im.exec(jsep.sdp ?? '') ?? [];
  const relayed = await page.relay({ address, port: Number(port) });
  return {
    ...jsep,
    sdp: jsep.sdp?.replaceAll(` ${address} ${port} typ host`, ` ${address} ${relayed} typ host`) as string,
  };
}

function withoutCandidates(sdp = ''): string {
  return sdp.replaceAll(/^a=(candidate|end-of-candidates).*\r\n/gm, '');
}
