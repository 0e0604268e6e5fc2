/**
 * Runs in a page: receives with mediasoup-client as from a mediasoup server, whose place a plain RTCPeerConnection of the
 * same page takes, and reports the call by the recipe. The server itself is C++ that can't be had from the registries.
 */
import { Device } from 'mediasoup-client';
import type { ConsumerOptions, RtpCodecCapability, TransportOptions } from 'mediasoup-client/types';
import { reportTransport } from '../../../client/recipes/mediasoup-client.ts';
import type { Reporter } from '../../../client/reporter.ts';

export type MediasoupRoomOptions = {
  /** Whose microphone and camera the page receives. */
  readonly peer: string;
};

type RoomWindow = Window & { reporter: Reporter; joinRoom: (options: MediasoupRoomOptions) => Promise<void> };

const page = window as unknown as RoomWindow;

page.joinRoom = async ({ peer }) => {
  const server = await startServer();
  const sdp = server.localDescription?.sdp ?? '';
  const sections = sdp.split('\r\nm=').slice(1).map(readSection);
  const device = new Device();
  await device.load({ routerRtpCapabilities: { codecs: sections.map(({ codec }) => codec), headerExtensions: [] } });
  const made = captureConnections();
  const transport = device.createRecvTransport(transportOf(sdp));
  reportTransport(page.reporter, transport, ({ appData }) => appData.sessionId as string);
  // A mediasoup server learns of the client's addresses by the client's own checks.
  transport.on('connect', (_, done) => done());
  const appData = { sessionId: peer };
  const consumers = await Promise.all(sections.map(({ consumer }) => transport.consume({ ...consumer, appData })));
  for (const { track } of consumers) {
    void Object.assign(document.createElement('video'), { srcObject: new MediaStream([track]) }).play();
  }
  await server.setRemoteDescription(made.at(-1)?.localDescription as RTCSessionDescription);
};

/** Offers this page's own microphone and camera. */
async function startServer(): Promise<RTCPeerConnection> {
  const server = new RTCPeerConnection();
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 160, height: 120 } });
  for (const track of stream.getTracks()) server.addTransceiver(track, { direction: 'sendonly' });
  await server.setLocalDescription();
  while (server.iceGatheringState !== 'complete') {
    await new Promise((resolve) => server.addEventListener('icegatheringstatechange', resolve, { once: true }));
  }
  return server;
}

/** What a server would be told of mediasoup-client's connection, or not need. */
function captureConnections(): RTCPeerConnection[] {
  const made: RTCPeerConnection[] = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      made.push(this);
    }
  };
  return made;
}

function transportOf(sdp: string): TransportOptions {
  const [, algorithm, value] = /^a=fingerprint:(\S+) (\S+)/m.exec(sdp) ?? [];
  const candidates = [...sdp.matchAll(/^a=candidate:(\S+) 1 udp (\d+) ([\d.]+) (\d+) typ host/gm)];
  return {
    id: 'transport',
    iceParameters: {
      usernameFragment: /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? '',
      password: /^a=ice-pwd:(\S+)/m.exec(sdp)?.[1] ?? '',
    },
    iceCandidates: candidates.map(([, foundation = '', priority, address = '', port]) => ({
      foundation,
      priority: Number(priority),
      address,
      ip: address,
      port: Number(port),
      protocol: 'udp',
      type: 'host',
    })),
    dtlsParameters: { role: 'auto', fingerprints: [{ algorithm: algorithm as 'sha-256', value: value as string }] },
  };
}

type Section = { readonly codec: RtpCodecCapability; readonly consumer: ConsumerOptions };

/** The first codec of a media section, and its stream. */
function readSection(section: string): Section {
  const [, kind, payloadType] = /^(audio|video) \d+ \S+ (\d+)/.exec(section) ?? [];
  const [, name, clockRate, channels] =
    new RegExp(`a=rtpmap:${payloadType} ([^/]+)/(\\d+)/?(\\d*)`).exec(section) ?? [];
  const common = {
    mimeType: `${kind}/${name}`,
    clockRate: Number(clockRate),
    ...(channels && { channels: Number(channels) }),
    parameters: {},
    rtcpFeedback: [],
  };
  const codec = { ...common, kind: kind as 'audio' | 'video', preferredPayloadType: Number(payloadType) };
  const mid = /^a=mid:(\S+)/m.exec(section)?.[1] as string;
  const rtpParameters = {
    mid,
    codecs: [{ ...common, payloadType: Number(payloadType) }],
    encodings: [{ ssrc: Number(/^a=ssrc:(\d+)/m.exec(section)?.[1]) }],
    headerExtensions: [],
    rtcp: { cname: 'server' },
  };
  return { codec, consumer: { id: `consumer-${mid}`, producerId: mid, kind: codec.kind, rtpParameters } };
}
