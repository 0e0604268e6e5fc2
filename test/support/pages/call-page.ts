/** People on the call page, as they use it: they open it, join, mute and leave. */
import type { Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { natsConfig } from '../../../call/nats-config.ts';
import { startPageServer } from '../../../call/page-server.ts';
import { freePort } from '../../../dev/ports.ts';
import { TEST_SECRET } from '../edge/tokens.ts';
import type { Chromium } from '../processes/chromium.ts';
import { type System, startSystem } from '../processes/system.ts';

export type Source = 'Camera and microphone' | 'Microphone only' | 'Test picture';

export type Caller = {
  readonly page: Page;
  readonly session: string;
  /** Errors that reached the page. */
  errors(): readonly string[];
  /** The text under each picture, one's own first. */
  people(): Promise<string[]>;
  /** Presses a button. */
  press(button: 'Mute' | 'Unmute' | 'Camera off' | 'Camera on' | 'Leave'): Promise<void>;
};

export type CallerOptions = {
  readonly chromium: Chromium;
  /** Of the page. */
  readonly origin: string;
  readonly room: string;
  readonly name: string;
  readonly source?: Source;
  /** So that many fit on two cores: nothing received is played, and so not decoded, and the microphone is taken as it is. */
  readonly isLean?: boolean;
};

export type CallSystem = {
  readonly system: System;
  /** Of the page. */
  readonly origin: string;
  stop(): Promise<void>;
};

/** A system with rooms, and the page in front of it. */
export async function startCallSystem(): Promise<CallSystem> {
  const port = await freePort();
  const system = await startSystem({ natsConfig: natsConfig([`http://127.0.0.1:${port}`]) });
  const { nats, worker, aggregator } = system;
  const signalling = /Listening for websocket clients on (ws:\S+)/.exec(nats.log())?.[1] ?? '';
  const addresses = { worker: worker.url, aggregator: aggregator.url, signalling };
  const page = await startPageServer({ port, secret: TEST_SECRET, addresses });
  return {
    system,
    origin: page.origin,
    async stop() {
      page.stop();
      await system.stop();
    },
  };
}

/** Opens the page and joins; the page is closed when the test has finished. */
export async function joinCall(options: CallerOptions): Promise<Caller> {
  const { chromium, origin, room, name, source = 'Camera and microphone', isLean = false } = options;
  const page = await chromium.open(`${origin}/?room=${room}`);
  onTestFinished(() => page.context().close());
  // A page that uses no device is not told the machine's addresses, and here they are not hidden behind multicast DNS.
  await page.context().grantPermissions(['camera', 'microphone'], { origin });
  await page.evaluate(keepConnections);
  if (isLean) await page.evaluate(takeLess);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.getByLabel('Your name').fill(name);
  await page.getByLabel(source).check();
  const button = (label: string) => page.getByRole('button', { name: label, exact: true });
  await button('Join').click();
  await button('Leave').waitFor();
  return {
    page,
    session: (await page.locator('#session').textContent()) ?? '',
    errors: () => errors,
    people: async () => (await page.locator('figcaption').allInnerTexts()).map((text) => text.trim()),
    press: (label) => button(label).click(),
  };
}

type CallWindow = Window & { connections: RTCPeerConnection[] };

/** Runs in the page. */
function keepConnections(): void {
  const connections: RTCPeerConnection[] = [];
  const Native = RTCPeerConnection;
  class Kept extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      connections.push(this);
    }
  }
  Object.assign(window, { RTCPeerConnection: Kept, connections });
}

/** Has the page offer again on its first connection. */
export function restartIce({ page }: Caller): Promise<void> {
  return page.evaluate(() => (window as unknown as CallWindow).connections[0]?.restartIce());
}

/** Of the page's first connection: its states, and the user name fragment of its ICE, which a restart changes. */
export function connectionOf({ page }: Caller): Promise<{ states: string[]; ufrag: string | undefined }> {
  return page.evaluate(() => {
    const { signalingState, connectionState, localDescription } = (window as unknown as CallWindow)
      .connections[0] as RTCPeerConnection;
    const ufrag = /ice-ufrag:(\S+)/.exec(localDescription?.sdp ?? '')?.[1];
    return { states: [signalingState, connectionState], ufrag };
  });
}

/** Runs in the page. */
function takeLess(): void {
  const { mediaDevices } = navigator;
  const open = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = () =>
    open({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
  Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', { get: () => null, set() {} });
}
