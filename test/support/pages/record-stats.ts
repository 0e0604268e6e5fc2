/**
 * `npm run record-stats`: records Chromium's `getStats()` reports in a call of two connections on one page, into
 * test/fixtures/stats/, for the reporter's tests. Run it again when a browser's reports have changed.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launchChromium } from '../processes/chromium.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'fixtures', 'stats');
const PAGE = 'https://record.example';

/** What happens, one step a second; then the receiver's report is taken. */
const SCENARIOS: { readonly [name: string]: readonly string[] } = {
  call: ['', '', '', ''],
  muted: ['', '', 'mute', '', '', 'unmute', ''],
  'second-microphone': ['', '', 'add', '', 'remove', '', ''],
  renegotiated: ['', '', 'restart', '', ''],
};

/** Runs in the page. */
async function record(steps: readonly string[]): Promise<unknown[][]> {
  const from = new RTCPeerConnection();
  const to = new RTCPeerConnection();
  from.onicecandidate = ({ candidate }) => void to.addIceCandidate(candidate ?? undefined);
  to.onicecandidate = ({ candidate }) => void from.addIceCandidate(candidate ?? undefined);
  const open = () => navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
  const stream = await open();
  for (const track of stream.getTracks()) from.addTrack(track, stream);
  const answering = await open();
  to.ontrack = ({ track }) => {
    // A track that is not played is not decoded, and one that is played muted has no energy.
    const player = Object.assign(document.createElement('video'), { srcObject: new MediaStream([track]) });
    void player.play();
  };
  const negotiate = async (options: RTCOfferOptions = {}) => {
    await from.setLocalDescription(await from.createOffer(options));
    await to.setRemoteDescription(from.localDescription as RTCSessionDescription);
    if (to.getSenders().every(({ track }) => track === null)) {
      for (const track of answering.getTracks()) to.addTrack(track, answering);
    }
    const answer = await to.createAnswer();
    // With DTX, as in calling products, Opus sends next to nothing while it is silent.
    answer.sdp = answer.sdp?.replace('useinbandfec=1', 'useinbandfec=1;usedtx=1') ?? '';
    await to.setLocalDescription(answer);
    await from.setRemoteDescription(answer);
  };
  await negotiate();
  const [microphone] = stream.getAudioTracks();
  let added: RTCRtpSender | undefined;
  const actions: { readonly [name: string]: () => unknown } = {
    mute: () => Object.assign(microphone as object, { enabled: false }),
    unmute: () => Object.assign(microphone as object, { enabled: true }),
    add: () => {
      const [another] = answering.getAudioTracks();
      added = from.addTrack((another as MediaStreamTrack).clone(), stream);
      return negotiate();
    },
    remove: () => {
      if (added) from.removeTrack(added);
      return negotiate();
    },
    restart: () => negotiate({ iceRestart: true }),
  };
  const reports: unknown[][] = [];
  for (const step of steps) {
    await actions[step]?.();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const stats = [...(await to.getStats()).values()].filter(({ type }) => type !== 'certificate' && type !== 'codec');
    // Addresses of the recording machine don't belong in a fixture.
    reports.push(stats.map(({ address, ip, relatedAddress, ...stat }) => stat));
  }
  for (const connection of [from, to]) connection.close();
  return reports;
}

if (import.meta.main) {
  const browser = await launchChromium();
  try {
    await mkdir(FOLDER, { recursive: true });
    for (const [name, steps] of Object.entries(SCENARIOS)) {
      const page = await browser.newPage();
      await page.route(`${PAGE}/**`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
      await page.goto(PAGE);
      const reports = await page.evaluate(record, steps);
      const version = browser.version();
      await writeFile(join(FOLDER, `${name}.json`), `${JSON.stringify({ chromium: version, steps, reports })}\n`);
      process.stdout.write(`${name}: ${reports.length} reports of Chromium ${version}\n`);
      await page.close();
    }
  } finally {
    await browser.close();
  }
}
