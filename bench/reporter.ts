/**
 * What the reporter costs its page: CPU with a number of peers, bytes and beacons a minute. And what its pacing saves and
 * costs: beacons a minute while the call is fine, and the time until the edge knows that a call got worse.
 * `npm run bench -- reporter [peers] [seconds]`
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { bundleClient, gzipBytes } from '../dev/build-client.ts';
import type { Beacon } from '../shared/beacon.ts';
import { OBJECTIVES } from '../shared/objectives.ts';
import { launchChromium } from '../test/support/processes/chromium.ts';
import { type Figure, median, milliseconds, printFigures } from './support/figures.ts';

const TTL_SECONDS = 30;
/** With and without the reporter in turns, so that other load on the machine affects both. */
const TURNS = 3;
/** People on one page who push their RTT, which costs next to nothing. */
const PEOPLE = 50;
const CALM_RTT = 0.05;
const BAD_RTT = 0.4;
/** Every 5 s, like a client without objectives. */
const FIXED_A_MINUTE = 12;

export async function run([peers = '8', seconds = '20']: string[]): Promise<void> {
  const edge = await startEdge();
  const browser = await launchChromium();
  try {
    await measureCost({ browser, edge, peers: Number(peers), seconds: Number(seconds) });
    await measurePacing(browser, edge);
  } finally {
    await browser.close();
    await edge.stop();
  }
}

type Setting = { readonly browser: Browser; readonly edge: Edge; readonly peers: number; readonly seconds: number };

async function measureCost({ browser, edge, peers, seconds }: Setting): Promise<void> {
  const page = await browser.newPage();
  await page.goto(edge.url);
  await page.evaluate(callScript(peers, await bundleClient()));
  const cdp = await browser.newBrowserCDPSession();
  const cpuSeconds = async (): Promise<number> => {
    const { processInfo } = await cdp.send('SystemInfo.getProcessInfo');
    return processInfo.reduce((sum, { type, cpuTime }) => sum + (type === 'renderer' ? cpuTime : 0), 0);
  };
  const cpuDuring = async (): Promise<number> => {
    const before = await cpuSeconds();
    await pause(seconds * 1_000);
    return (await cpuSeconds()) - before;
  };
  await pause(5_000);
  const cpu = { with: 0, without: 0 };
  for (let turn = 0; turn < TURNS; turn++) {
    cpu.without += await cpuDuring();
    await page.evaluate('startOne()');
    cpu.with += await cpuDuring();
    await page.evaluate('stopOne()');
  }
  await page.close();
  const minutes = (TURNS * seconds) / 60;
  const share = (cpu.with - cpu.without) / (minutes * 60);
  const beacons = edge.beacons();
  const bytes = beacons.reduce((sum, beacon) => sum + beacon.bytes, 0);
  const figures: Figure[] = [
    { what: 'CPU of the page without the reporter', value: percent(cpu.without / (minutes * 60)) },
    {
      what: 'CPU that the reporter adds',
      value: percent(share),
      target: { text: 'at most 2 %', met: share <= 0.02 },
    },
    { what: 'beacons a minute', value: (beacons.length / minutes).toFixed(1) },
    { what: 'bytes a minute', value: `${(bytes / minutes / 1_000).toFixed(1)} kB` },
    { what: 'bytes a beacon', value: (bytes / beacons.length).toFixed(0) },
    { what: 'the reporter itself, with gzip', value: `${gzipBytes(await bundleClient())} bytes` },
  ];
  printFigures(`a page with ${peers} peers, audio and video, for ${(minutes * 60).toFixed(0)} s`, figures);
}

async function measurePacing(browser: Browser, edge: Edge): Promise<void> {
  const page = await browser.newPage();
  await page.goto(edge.url);
  await page.evaluate(peopleScript(await bundleClient()));
  await pause(10_000);
  const rateDuring = async (minutes: number): Promise<number> => {
    const before = edge.beacons().length;
    await pause(minutes * 60_000);
    return (edge.beacons().length - before) / minutes / PEOPLE;
  };
  const calm = await rateDuring(1);
  const worseAtMs = performance.now();
  await page.evaluate(`window.rtt = ${BAD_RTT}`);
  await pause(10_000);
  const delays = [...firstOf(edge.beacons(), BAD_RTT).values()].map((atMs) => atMs - worseAtMs);
  const bad = await rateDuring(0.5);
  await page.close();
  const saved = 1 - calm / FIXED_A_MINUTE;
  printFigures(`${PEOPLE} people, of whom all get bad at once`, [
    { what: 'beacons a minute while the call is fine', value: calm.toFixed(1) },
    { what: 'saved, compared with one every 5 s', value: `${(saved * 100).toFixed(0)} %` },
    { what: 'beacons a minute in trouble', value: bad.toFixed(1) },
    { what: 'until the edge knows: median', value: milliseconds(median(delays)) },
    {
      what: `the same: the last of ${delays.length}`,
      value: milliseconds(Math.max(...delays)),
      target: { text: 'at most 2 s', met: delays.length === PEOPLE && Math.max(...delays) <= 2_000 },
    },
  ]);
}

/** When the first beacon with that RTT arrived from each session. */
function firstOf(beacons: readonly Received[], rtt: number): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const { beacon, atMs } of beacons) {
    if (beacon.rtt?.includes(rtt) && !first.has(beacon.session_id)) first.set(beacon.session_id, atMs);
  }
  return first;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} % of a core`;
}

/** Runs in the page: calls itself once for each peer, and passes every connection to one reporter. */
function callScript(peers: number, code: string): string {
  return `(async () => {
    const { startReporter } = await import(URL.createObjectURL(new Blob([${JSON.stringify(code)}], { type: 'text/javascript' })));
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 160, height: 120, frameRate: 10 } });
    const receivers = [];
    for (let i = 0; i < ${peers}; i++) {
      const from = new RTCPeerConnection();
      const to = new RTCPeerConnection();
      from.onicecandidate = ({ candidate }) => to.addIceCandidate(candidate ?? undefined);
      to.onicecandidate = ({ candidate }) => from.addIceCandidate(candidate ?? undefined);
      to.ontrack = ({ track }) => Object.assign(document.createElement('video'), { srcObject: new MediaStream([track]) }).play();
      for (const track of stream.getTracks()) from.addTrack(track, stream);
      await from.setLocalDescription();
      await to.setRemoteDescription(from.localDescription);
      await to.setLocalDescription();
      await from.setRemoteDescription(to.localDescription);
      receivers.push(to);
    }
    let reporter;
    Object.assign(window, {
      startOne() {
        reporter = startReporter({ endpoint: location.origin, token: 'x'.repeat(300), meetingId: 'm-1', sessionId: 's-1' });
        receivers.forEach((connection, i) => reporter.addPeerConnection(connection, { peerOf: 'peer-' + i }));
      },
      stopOne: () => reporter.stop(),
    });
  })()`;
}

/** Runs in the page: people whose RTT is `window.rtt`. */
function peopleScript(code: string): string {
  return `(async () => {
    const { startReporter } = await import(URL.createObjectURL(new Blob([${JSON.stringify(code)}], { type: 'text/javascript' })));
    window.rtt = ${CALM_RTT};
    for (let i = 0; i < ${PEOPLE}; i++) {
      const reporter = startReporter({ endpoint: location.origin, token: 'x', meetingId: 'm-1', sessionId: 'p-' + i });
      setInterval(() => reporter.reportRtt(window.rtt), 500);
    }
  })()`;
}

type Received = { readonly beacon: Beacon; readonly bytes: number; readonly atMs: number };
type Edge = { readonly url: string; beacons(): readonly Received[]; stop(): Promise<void> };

/** Accepts every beacon, and serves the page. */
async function startEdge(): Promise<Edge> {
  const beacons: Received[] = [];
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      const body = await text(request);
      beacons.push({ beacon: JSON.parse(body), bytes: Buffer.byteLength(body), atMs: performance.now() });
      response.writeHead(204).end();
    } else if (request.url === '/v1/region') {
      response.end(JSON.stringify({ region: 'bench', ttl_seconds: TTL_SECONDS, objectives: OBJECTIVES }));
    } else {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>a call</title>');
    }
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    beacons: () => beacons,
    async stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
