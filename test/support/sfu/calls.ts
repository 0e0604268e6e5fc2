/** The whole system with pages that report calls through a media server, and what the aggregator says of these. */
import { expect } from 'vitest';
import type { WorstSession } from '../../../aggregator/http/answers.ts';
import type { Server } from '../../../client/reporter.ts';
import { openReporting, type Reporting, setServer } from '../pages/reporting-page.ts';
import { eventually } from '../poll.ts';
import { startChromium, startPageServer } from '../processes/chromium.ts';
import { startSystem } from '../processes/system.ts';

export type SfuCalls = {
  /** Opens a page and starts its reporter; {@link joinRoom} brings it into the call. */
  open(meeting: string, session: string): Promise<Reporting>;
  /** The living sessions of a meeting. */
  sessions(meeting: string): Promise<WorstSession[]>;
  /** Who receives whom in a meeting: the peers of each session, sorted. */
  received(meeting: string): Promise<{ readonly [session: string]: readonly string[] }>;
  /** The names of the figures that are known of each stream in a meeting. */
  figures(meeting: string): Promise<(readonly string[])[]>;
  /** Who receives whom badly in a meeting, and whose fault it is, sorted: `bo hears ada: publisher`. */
  blamed(meeting: string): Promise<string[]>;
  /** How many bad streams there are, by whose fault they are. */
  badStreams(): Promise<{ readonly [side: string]: number }>;
  stop(): Promise<void>;
};

const SERVER: Server = { url: 'https://media-apac-1.example.com', type: 'webrtc' };

export async function startSfuCalls(): Promise<SfuCalls> {
  const pages = await startPageServer();
  const system = await startSystem({ ttlSeconds: 12, workerVars: { ALLOWED_ORIGINS: pages.origin } });
  const chromium = await startChromium();

  async function sessions(meeting: string): Promise<WorstSession[]> {
    const answer = await fetch(`${system.aggregator.url}/api/v1/sessions?meeting_id=${meeting}`);
    return ((await answer.json()) as { sessions: WorstSession[] }).sessions;
  }

  return {
    async open(meeting, session) {
      const person = await openReporting({
        chromium,
        origin: pages.origin,
        endpoint: system.worker.url,
        session,
        meeting,
      });
      await setServer(person, SERVER);
      return person;
    },
    sessions,
    async received(meeting) {
      const listed = await sessions(meeting);
      return Object.fromEntries(
        listed.map(({ session_id, peers }) => [session_id, peers.map(({ peer_id }) => peer_id).toSorted()]),
      );
    },
    async figures(meeting) {
      return (await sessions(meeting)).flatMap(({ peers }) => peers.map((peer) => Object.keys(peer)));
    },
    async blamed(meeting) {
      const streams = (await sessions(meeting)).flatMap(({ session_id, peers }) =>
        peers.map(({ peer_id, side }) => ({ side, sentence: `${session_id} hears ${peer_id}: ${side}` })),
      );
      return streams.flatMap(({ side, sentence }) => (side ? [sentence] : [])).toSorted();
    },
    async badStreams() {
      const samples = (await system.aggregator.metrics()).all('edgepulse_impaired_streams', { server_url: SERVER.url });
      return Object.fromEntries(samples.map(({ labels, value }) => [labels.side, value]));
    },
    async stop() {
      await chromium.stop();
      await system.stop();
      await pages.stop();
    },
  };
}

/** Waits until what is read equals the expected value. */
export async function becomes(read: () => Promise<unknown>, expected: unknown): Promise<void> {
  await eventually(
    async () => {
      expect(await read()).toEqual(expected);
      return true;
    },
    { deadlineMs: 30_000, intervalMs: 100 },
  );
}

/** The peers of each when everybody receives everybody else. */
export function allOthers(names: readonly string[]): { [session: string]: string[] } {
  return Object.fromEntries(names.map((name) => [name, names.filter((other) => other !== name).toSorted()]));
}
