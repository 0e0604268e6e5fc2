/** Pages that take part in a call and report it with the published reporter. */
import type { Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import type { Beacon, Reporter, ReporterOptions, Server } from '../../../client/reporter.ts';
import { bundleClient } from '../../../dev/build-client.ts';
import { testToken } from '../edge/tokens.ts';
import type { Chromium } from '../processes/chromium.ts';

export type Reporting = {
  readonly page: Page;
  readonly session: string;
  /** Beacons that went out, as `beforeSend` saw them. */
  sent(): Promise<Beacon[]>;
  /** Errors that reached the page. */
  errors(): readonly string[];
  /** How often the page was asked for a new token. */
  refreshes(): number;
};

export type ReportingOptions = {
  readonly chromium: Chromium;
  readonly origin: string;
  readonly endpoint: string;
  readonly session: string;
  readonly meeting?: string;
  /** Default: an hour. */
  readonly tokenSeconds?: number;
};

/** What the page's own scripts, which run in Chromium, share. */
type CallWindow = Window & {
  start: (options: ReporterOptions) => Reporter;
  mint: () => Promise<string>;
  reporter: Reporter;
  beacons: Beacon[];
  /** When each of them went, by the page's own clock in ms. */
  times: number[];
  rtt: number;
  connections: RTCPeerConnection[];
  microphone: MediaStreamTrack;
};

/** Opens a page and starts its reporter; the page is closed when the test has finished. */
export async function openReporting(options: ReportingOptions): Promise<Reporting> {
  const { chromium, origin, endpoint, session, meeting = 'm-1', tokenSeconds = 3_600 } = options;
  const page = await chromium.open(origin);
  onTestFinished(() => page.context().close());
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  let refreshes = 0;
  await page.exposeFunction('mint', () => {
    refreshes++;
    return testToken({ meeting, session });
  });
  await page.evaluate(loadReporter(await bundleClient()));
  const token = await testToken({ meeting, session, ttlSeconds: tokenSeconds });
  await page.evaluate(startReporting, { endpoint, token, meetingId: meeting, sessionId: session });
  return {
    page,
    session,
    errors: () => errors,
    refreshes: () => refreshes,
    sent: () => page.evaluate(() => (window as unknown as CallWindow).beacons),
  };
}

/** As text: compiled by the test runner, its imports would not work in the browser. */
function loadReporter(code: string): string {
  return `import(URL.createObjectURL(new Blob([${JSON.stringify(code)}], { type: 'text/javascript' }))).then(
    ({ startReporter }) => Object.assign(window, { start: startReporter, beacons: [], times: [], connections: [] }) && undefined)`;
}

function startReporting(options: ReporterOptions): void {
  const { start, mint, beacons, times } = window as unknown as CallWindow;
  const reporter = start({
    ...options,
    refreshToken: () => mint(),
    beforeSend: (beacon) => {
      beacons.push(structuredClone(beacon));
      times.push(performance.now());
      return beacon;
    },
  });
  Object.assign(window, { reporter });
}

export function setServer({ page }: Reporting, server: Server): Promise<void> {
  return page.evaluate((elected) => (window as unknown as CallWindow).reporter.update({ server: elected }), server);
}

export type ConnectOptions = {
  readonly configuration?: RTCConfiguration;
  /** Hands a session description on to the other page. Default: as it is. */
  readonly carry?: (description: RTCSessionDescriptionInit) => Promise<RTCSessionDescriptionInit>;
};

/** Connects the two in an audio and video call. */
export async function connectCall(
  one: Reporting,
  other: Reporting,
  { configuration = {}, carry = async (same) => same }: ConnectOptions = {},
): Promise<void> {
  const offer = await carry(await one.page.evaluate(offerCall, { peer: other.session, configuration }));
  const answering = { peer: one.session, offer, configuration };
  const answer = await carry(await other.page.evaluate(answerCall, answering));
  await one.page.evaluate(acceptAnswer, answer);
}

type Offering = { peer: string; configuration: RTCConfiguration };

async function offerCall({ peer, configuration }: Offering): Promise<RTCSessionDescriptionInit> {
  const call = window as unknown as CallWindow;
  const connection = new RTCPeerConnection(configuration);
  call.connections.push(connection);
  call.reporter.addPeerConnection(connection, { peerOf: peer });
  connection.ontrack = ({ track }) => {
    void Object.assign(document.createElement('video'), { srcObject: new MediaStream([track]) }).play();
  };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
  for (const track of stream.getTracks()) connection.addTrack(track, stream);
  Object.assign(call, { microphone: stream.getAudioTracks()[0] });
  await connection.setLocalDescription();
  while (connection.iceGatheringState !== 'complete') {
    await new Promise((resolve) => connection.addEventListener('icegatheringstatechange', resolve, { once: true }));
  }
  return JSON.parse(JSON.stringify(connection.localDescription));
}

async function answerCall({
  peer,
  offer,
  configuration,
}: Offering & { offer: RTCSessionDescriptionInit }): Promise<RTCSessionDescriptionInit> {
  const call = window as unknown as CallWindow;
  const connection = new RTCPeerConnection(configuration);
  call.connections.push(connection);
  call.reporter.addPeerConnection(connection, { peerOf: peer });
  connection.ontrack = ({ track }) => {
    void Object.assign(document.createElement('video'), { srcObject: new MediaStream([track]) }).play();
  };
  await connection.setRemoteDescription(offer);
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
  for (const track of stream.getTracks()) connection.addTrack(track, stream);
  Object.assign(call, { microphone: stream.getAudioTracks()[0] });
  const answer = await connection.createAnswer();
  // With DTX, as in calling products, Opus sends next to nothing while it is silent.
  answer.sdp = answer.sdp?.replace('useinbandfec=1', 'useinbandfec=1;usedtx=1') ?? '';
  await connection.setLocalDescription(answer);
  while (connection.iceGatheringState !== 'complete') {
    await new Promise((resolve) => connection.addEventListener('icegatheringstatechange', resolve, { once: true }));
  }
  return JSON.parse(JSON.stringify(connection.localDescription));
}

async function acceptAnswer(answer: RTCSessionDescriptionInit): Promise<void> {
  const { connections } = window as unknown as CallWindow;
  await connections.at(-1)?.setRemoteDescription(answer);
}

export function setMicrophone({ page }: Reporting, isOn: boolean): Promise<void> {
  return page.evaluate((enabled) => {
    (window as unknown as CallWindow).microphone.enabled = enabled;
  }, isOn);
}

/** Pushes an RTT every 200 ms from now on, as a client with a transport of its own does. @returns the page's time */
export function pushRtt({ page }: Reporting, seconds: number): Promise<number> {
  return page.evaluate((rtt) => {
    const call = window as unknown as CallWindow;
    if (call.rtt === undefined) setInterval(() => call.reporter.reportRtt(call.rtt), 200);
    call.rtt = rtt;
    return performance.now();
  }, seconds);
}

/** When the first beacon with that RTT was sent, by the page's time; undefined if none was. */
export function sentAtMs({ page }: Reporting, seconds: number): Promise<number | undefined> {
  return page.evaluate((rtt) => {
    const { beacons, times } = window as unknown as CallWindow;
    return times[beacons.findIndex((beacon) => beacon.rtt?.includes(rtt))];
  }, seconds);
}

export function stopReporting({ page }: Reporting): Promise<void> {
  return page.evaluate(() => (window as unknown as CallWindow).reporter.stop());
}

export function flush({ page }: Reporting): Promise<void> {
  return page.evaluate(() => (window as unknown as CallWindow).reporter.flush());
}

/** Starts two more reporters whose callbacks all throw, and misuses them. */
export function startMisused({ page }: Reporting, endpoint: string): Promise<void> {
  return page.evaluate((url) => {
    const call = window as unknown as CallWindow;
    const asked = new Set<string>();
    Object.assign(window, { asked });
    const failing = (name: string) => (): never => {
      asked.add(name);
      throw new Error('of the application');
    };
    const options = { endpoint: url, token: 'none', meetingId: 'm-1', sessionId: 'misused' };
    call.start({ ...options, beforeSend: failing('beforeSend') }).reportRtt(Number.NaN);
    const reporter = call.start({
      ...options,
      refreshToken: failing('refreshToken'),
      onRejected: failing('onRejected'),
    });
    const anything = undefined as never;
    reporter.addPeerConnection(anything);
    reporter.addPeerConnection(new RTCPeerConnection(), { peerOf: failing('peerOf') });
    reporter.reportRtt(anything);
    reporter.reportPeer(anything, anything);
    reporter.update(anything);
    reporter.flush();
    reporter.start();
    call.start({ ...options, sampleRate: 0 }).stop();
  }, endpoint);
}

/** The names of the callbacks that were called. */
export function askedOf({ page }: Reporting): Promise<string[]> {
  return page.evaluate(() => [...(window as unknown as { asked: Set<string> }).asked].sort());
}
